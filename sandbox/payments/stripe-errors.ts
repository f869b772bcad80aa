import type { Reply } from "../http.ts";
import type { Intent } from "./stripe-objects.ts";
import { intentObject } from "./stripe-objects.ts";

const error = (status: number, type: string, more: object): Reply => ({
  status,
  body: { error: { type, ...more } },
});

export const refused = (code: string, message: string, param?: string): Reply =>
  error(400, "invalid_request_error", { code, message, ...(param && { param }) });

export const missing = (message: string, param: string): Reply =>
  error(404, "invalid_request_error", { code: "resource_missing", message, param });

export const noKey = (): Reply =>
  error(401, "invalid_request_error", {
    message: "Invalid API Key provided. Authorize with `Bearer <key>`.",
  });

export const down = (): Reply =>
  error(503, "api_error", { message: "The sandbox is down, as it was told to be." });

export const keyReused = (key: string): Reply =>
  error(400, "idempotency_error", {
    message: `Keys for idempotent requests can only be used with the same parameters they were first used with: '${key}'.`,
  });

export const keyInUse = (key: string): Reply =>
  error(409, "idempotency_error", {
    code: "idempotency_key_in_use",
    message: `There is currently another in-progress request using this idempotent key: '${key}'.`,
  });

export const cardError = (intent: Intent): Reply =>
  error(402, "card_error", { ...intent.error, charge: intent.charge, payment_intent: intentObject(intent) });
