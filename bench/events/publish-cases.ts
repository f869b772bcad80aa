import type { WorkCases } from "../harness/orders.ts";

/** Publishes one message and waits until the broker has it. */
export interface Publisher {
  publish(): Promise<void>;
}

export const workCases: WorkCases<Publisher> = {
  publish: {
    check: (publisher) => publisher.publish(),
    work: (publisher) => async (note) => {
      const began = performance.now();
      await publisher.publish();
      note(began);
    },
  },
};
