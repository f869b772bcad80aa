import type { Client } from "@connectrpc/connect";
import type { Schedule, ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import { fail } from "#mesh/errors.ts";
import { uuidForm } from "#mesh/id.ts";

/** The schedule of this name or id. */
export async function findSchedule(
  service: Pick<Client<typeof ScheduleService>, "getSchedule" | "listSchedules">,
  nameOrId: string,
): Promise<Schedule> {
  const found = uuidForm.test(nameOrId)
    ? (await service.getSchedule({ id: nameOrId })).schedule
    : await findNamed(service, nameOrId);
  if (found) return found;
  throw fail.notFound("schedule_not_found", `no schedule is named ${nameOrId}`, {
    remedy: "`weft schedules` shows those there are",
  });
}

/** No two have the same name. */
async function findNamed(
  service: Pick<Client<typeof ScheduleService>, "listSchedules">,
  wanted: string,
): Promise<Schedule | undefined> {
  let pageToken = "";
  do {
    const page = await service.listSchedules({ pageSize: 500, pageToken });
    const found = page.schedules.find(({ name }) => name === wanted);
    if (found) return found;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return undefined;
}
