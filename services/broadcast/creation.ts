import type { JsonObject } from "@bufbuild/protobuf";
import { create, toJson } from "@bufbuild/protobuf";
import type { CreateBroadcastRequest } from "#gen/broadcast/v1/broadcast_pb.js";
import { CreateBroadcastRequestSchema, SegmentSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import { FromTemplateSchema, WordsSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call, Database } from "#mesh";
import {
  cleanText,
  idempotencyKey,
  newId,
  only,
  replayed,
  requestHash,
  requireSame,
  requireUser,
} from "#mesh";
import { requireWithinBounds } from "./bounds.ts";
import type { BroadcastRow, Content } from "./broadcasts-store.ts";
import { findByKey, insertBroadcast } from "./broadcasts-store.ts";
import { channelsToKeep } from "./channels.ts";
import { isBlank } from "./refusals.ts";
import { idOf, isAdmin } from "./rights.ts";
import { cleanSegment } from "./segment.ts";

const usualPerSecond = 50;

export function createCreation({ db, now }: { db: Database; now: () => number }) {
  return async (request: CreateBroadcastRequest, call: Call): Promise<BroadcastRow> => {
    const user = requireUser(call);
    const ownerId = idOf(user);
    const segment = cleanSegment(request.segment);
    const hasTemplate = request.content.case === "template";
    requireWithinBounds(user, { topic: request.topic, segment, hasTemplate });
    const key = idempotencyKey(call);
    const hash = requestHash(CreateBroadcastRequestSchema, request);
    return db.transaction(async (tx) => {
      const row = await insertBroadcast(tx, {
        id: newId(now()),
        ownerId,
        everybody: isAdmin(user),
        name: seen("name", cleanText(request.name)),
        topic: request.topic,
        link: cleanText(request.link),
        channels: channelsToKeep(request.channels),
        perSecond: request.perSecond || usualPerSecond,
        segment: asObject(toJson(SegmentSchema, { ...segment, userIds: [] })),
        chosen: segment.userIds,
        ...contentOf(request),
        idempotencyKey: key ?? null,
        requestHash: hash,
        createdAt: new Date(now()),
      });
      if (row || key === undefined) return only(row ? [row] : []);
      const before = only([await findByKey(tx, ownerId, key)].flatMap((it) => it ?? []));
      requireSame(before.requestHash, hash);
      replayed(call);
      return before;
    });
  };
}

export type Creation = ReturnType<typeof createCreation>;

function contentOf({ content }: CreateBroadcastRequest): Content {
  if (content.case === "template") {
    const { name, variables } = content.value;
    const clean = Object.entries(variables).map(([key, value]) => [key, cleanText(value)]);
    const template = create(FromTemplateSchema, { name, variables: Object.fromEntries(clean) });
    return { template: asObject(toJson(FromTemplateSchema, template)), words: null };
  }
  const { subject = "", text = "" } = content.value ?? {};
  const words = create(WordsSchema, {
    subject: seen("words.subject", cleanText(subject)),
    text: seen("words.text", cleanText(text)),
  });
  return { template: null, words: asObject(toJson(WordsSchema, words)) };
}

function seen(field: string, text: string): string {
  if (text.trim() === "") throw isBlank(field);
  return text;
}

const asObject = (json: unknown) => json as JsonObject;
