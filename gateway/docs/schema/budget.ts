import type { DescMessage } from "@bufbuild/protobuf";
import { mostExampleDepth, mostExampleValues, mostNeededDepth } from "../limits.ts";

/** What an example may still hold while it is made. */
export interface Budget {
  left: number;
  /** Messages that the example is inside of. */
  readonly path: DescMessage[];
}

export const newBudget = (): Budget => ({ left: mostExampleValues, path: [] });

/** Whether a message that may be left out should be given. */
export const mayNest = (budget: Budget, message: DescMessage): boolean =>
  budget.left > 0 && budget.path.length <= mostExampleDepth && !budget.path.includes(message);

/** Beyond it there is no example, even where one must be given. */
export const isSpent = (budget: Budget): boolean =>
  budget.path.length > mostNeededDepth || budget.left < -mostExampleValues;
