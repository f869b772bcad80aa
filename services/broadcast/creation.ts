import type { JsonObject } from "@bufbuild/protobuf";
import { create, toJson } from "@bufbuild/protobuf";
import type { CreateBroadcastRequest } from "#gen/broadcast/v1/broadcast_pb.js";
import { CreateBroadcastRequestSchema, SegmentSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import { FromTemplateSchema, WordsSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call, Database, Query } from "#mesh";
import { cleanText, idempotencyKey, newId, replayed, requestHash, requireSame, requireUser } from "#mesh";
import { requireWithinBounds } from "./bounds.ts";
import type { BroadcastRow, Content } from "./broadcasts-store.ts";
import { countDrafts, findByKey, insertBroadcast, lockOwner } from "./broadcasts-store.ts";
import { channelsToKeep } from "./channels.ts";
import { isBlank, tooManyDrafts } from "./refusals.ts";
import { idOf, isAdmin } from "./rights.ts";
import { cleanSegment } from "./segment.ts";
import type { FindVoice } from "./voice.ts";

const usualPerSecond = 50;

export interface CreationOptions {
  db: Database;
  findVoice: FindVoice;
  /** Drafts that one owner may have. */
  mostDrafts: number;
  now: () => number;
}

export function createCreation({ db, findVoice, mostDrafts, now }: CreationOptions) {
  return async (request: CreateBroadcastRequest, call: Call): Promise<BroadcastRow> => {
    const user = requireUser(call);
    const ownerId = idOf(user);
    const segment = cleanSegment(request.segment);
    const hasTemplate = request.content.case === "template";
    const { topic, channels, link } = request;
    requireWithinBounds(user, { topic, segment, hasTemplate, channels, link });
    const key = idempotencyKey(call);
    const hash = requestHash(CreateBroadcastRequestSchema, request);
    const findSame = async (query: Query): Promise<BroadcastRow | undefined> => {
      const before = key === undefined ? undefined : await findByKey(query, ownerId, key);
      if (!before) return undefined;
      requireSame(before.requestHash, hash);
      replayed(call);
      return before;
    };
    const before = await findSame(db.sql);
    if (before) return before;
    const voice = await findVoice(call);
    return db.transaction(async (tx) => {
      await lockOwner(tx, ownerId);
      const meanwhile = await findSame(tx);
      if (meanwhile) return meanwhile;
      if ((await countDrafts(tx, ownerId)) >= mostDrafts) throw tooManyDrafts(mostDrafts);
      return insertBroadcast(tx, {
        id: newId(now()),
        ownerId,
        everybody: isAdmin(user),
        name: seen("name", cleanText(request.name)),
        topic,
        link: cleanText(link),
        voice,
        channels: channelsToKeep(channels),
        perSecond: request.perSecond || usualPerSecond,
        segment: asObject(toJson(SegmentSchema, { ...segment, userIds: [] })),
        chosen: segment.userIds,
        ...contentOf(request),
        idempotencyKey: key ?? null,
        requestHash: hash,
        createdAt: new Date(now()),
      });
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
