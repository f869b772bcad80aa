import type { DescFile } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceDefinition } from "#mesh";
import { learnedService } from "../../gateway/kit/learned.ts";

const signedIn = { access: { signedIn: true } };
const followed = { stream: "out", input: "Wish", output: "Item", idempotency: "NO_SIDE_EFFECTS" } as const;

/** A service with streams and files. */
export interface News {
  readonly definition: ServiceDefinition;
  /** Its contract and what that imports, as FileDescriptorProtos in base64, imports first. */
  readonly files: readonly string[];
  /** Followers that are still there. */
  readonly followers: () => number;
}

export function createNews(): News {
  let followers = 0;
  const follow = async function* (
    { count, lastEventId }: Record<string, unknown>,
    { caller, signal }: { caller: { user?: { email?: string } }; signal: AbortSignal },
  ) {
    const from = Number(lastEventId || 0);
    // Without a number it goes on until nobody listens.
    const last = count === 0 ? Number.POSITIVE_INFINITY : from + Number(count);
    followers++;
    try {
      for (let id = from + 1; id <= last && !signal.aborted; id++) {
        yield { eventId: `${id}`, text: `${caller.user?.email ?? "somebody"} ${id}` };
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } finally {
      followers--;
    }
  };
  const definition = learnedService(
    {
      process: "news",
      package: "news.v1",
      messages: {
        Wish: ["count: int32 = 1", "last_event_id: string = 2"],
        Item: ["event_id: string = 1", "text: string = 2"],
        Upload: ["title: string = 1", "filename: string = 2", "file: google.api.HttpBody = 3"],
        Stored: [
          "title: string = 1",
          "filename: string = 2",
          "type: string = 3",
          "bytes: int64 = 4",
          "who: string = 5",
        ],
      },
      services: {
        NewsService: {
          Follow: { ...followed, http: { get: "/api/v1/news" } },
          FollowMine: { ...followed, http: { get: "/api/v1/news/mine" }, options: signedIn },
          Store: {
            http: { post: "/api/v1/news/file", body: "file" },
            stream: "in",
            input: "Upload",
            output: "Stored",
            options: signedIn,
          },
          Rare: {
            http: { get: "/api/v1/news/rare" },
            idempotency: "NO_SIDE_EFFECTS",
            options: { access: { public: true }, rateLimit: { requests: 1, window: "60s" } },
          },
        },
      },
    },
    {
      follow: follow as never,
      followMine: follow as never,
      async store(requests, call) {
        const stored = { title: "", filename: "", type: "", bytes: 0n, who: call.caller.user?.email };
        for await (const it of requests as unknown as AsyncIterable<Upload>) {
          stored.title ||= it.title;
          stored.filename ||= it.filename;
          stored.type ||= it.file?.contentType ?? "";
          stored.bytes += BigInt(it.file?.data.length ?? 0);
        }
        return stored;
      },
    },
  );
  const files = definition.contracts.flatMap(({ file }) => withImports(file));
  return {
    definition,
    files: files.map((it) => Buffer.from(toBinary(FileDescriptorProtoSchema, it.proto)).toString("base64")),
    followers: () => followers,
  };
}

interface Upload {
  title: string;
  filename: string;
  file?: { contentType: string; data: Uint8Array };
}

function withImports(file: DescFile, known = new Set<DescFile>()): DescFile[] {
  if (!known.has(file)) {
    for (const it of file.dependencies) withImports(it, known);
    known.add(file);
  }
  return [...known];
}
