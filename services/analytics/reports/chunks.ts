import type { Database } from "#mesh";
import { fail } from "#mesh";
import { noReport } from "../refusals.ts";
import type { FileSink } from "./file-sink.ts";

/** A piece fits into a message, and two of them into memory. */
export const chunkBytes = 256 * 1024;

/** Keeps files in the database, in pieces. */
export function createChunks(db: Database, now: () => number): FileSink {
  return {
    open(fileId, writer) {
      let pieces: Buffer[] = [];
      let [pending, bytes, seq] = [0, 0, 0];

      const flush = async (size: number, lines: number) => {
        const all = Buffer.concat(pieces, pending);
        const data = all.subarray(0, size);
        pieces = size < pending ? [all.subarray(size)] : [];
        pending -= size;
        const { count } = await db.sql`
          with mine as (
            update reports set touched_at = ${new Date(now())}, lines = ${lines}, bytes = bytes + ${data.length}
            where id = ${fileId} and writer = ${writer} and status = 'writing' returning id)
          insert into report_chunks (report_id, seq, data) select id, ${seq}::int, ${data} from mine`;
        if (count === 0) throw givenUp();
        seq++;
      };

      return {
        get bytes() {
          return bytes;
        },
        async write(text, lines) {
          const data = Buffer.from(text);
          pieces.push(data);
          pending += data.length;
          bytes += data.length;
          while (pending >= chunkBytes) await flush(chunkBytes, lines);
        },
        async end(lines) {
          if (pending > 0) await flush(pending, lines);
        },
      };
    },

    async *read(fileId) {
      const [file] = await db.sql<{ bytes: bigint }[]>`select bytes from reports where id = ${fileId}`;
      let left = Number(file?.bytes ?? 0);
      for (let seq = 0; left > 0; seq++) {
        const [chunk] = await db.sql<{ data: Uint8Array }[]>`
          select data from report_chunks where report_id = ${fileId} and seq = ${seq}`;
        // Deleted while somebody reads it: half a file must not look like all of it.
        if (!chunk) throw noReport();
        left -= chunk.data.length;
        yield chunk.data;
      }
    },
  };
}

const givenUp = () =>
  fail.aborted("report_given_up", "the report was deleted, or another attempt writes it", {
    remedy: "nothing is to be done",
  });
