import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import type { ThreatRow } from "./threats-store.ts";

const user = "user:";

/** What others are told of a threat. */
export function alertOf(threat: ThreatRow): MessageInitShape<typeof SecurityAlertSchema> {
  const { id, kind, severity, subject, description, occurrences, firstSeenAt, lastSeenAt } = threat;
  return {
    threatId: id,
    kind,
    severity,
    userId: subject.startsWith(user) ? subject.slice(user.length) : "",
    description,
    occurrences,
    firstSeenAt: timestampFromDate(firstSeenAt),
    lastSeenAt: timestampFromDate(lastSeenAt),
  };
}
