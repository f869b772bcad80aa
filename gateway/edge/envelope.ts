import type { Failure } from "./failure.ts";

/**
 * The answer's envelope. `data` is JSON already, and ids hold nothing that JSON
 * would escape.
 */
export const successText = (data: string, status: number, requestId: string, timestamp: string): string =>
  `{"success":true,"data":${data},"statusCode":${status},"requestId":"${requestId}","timestamp":"${timestamp}"}`;

export function failureText(failure: Failure, requestId: string, timestamp: string): string {
  const { error, status, code, reason, details } = failure;
  return JSON.stringify({
    success: false,
    error,
    statusCode: status,
    code,
    reason,
    details,
    requestId,
    timestamp,
  });
}
