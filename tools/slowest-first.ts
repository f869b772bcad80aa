import { relative } from "node:path";
import type { TestSpecification } from "vitest/node";
import { BaseSequencer } from "vitest/node";

/** What takes longest, begun first: else the last of them is waited for alone. */
const slowest = [
  "test/chaos/orders/orders",
  "test/chaos",
  "test/cli",
  "test/readme",
  "test/attacks/express.",
  "test/faults",
  "test/embedded",
];

const placeOf = ({ moduleId, project }: TestSpecification): number => {
  const path = relative(project.config.root, moduleId);
  const place = slowest.findIndex((it) => path.startsWith(it));
  return place < 0 ? slowest.length : place;
};

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // A checkout that was tested before knows better within each of them.
    return (await super.sort(files)).toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
