import type { DescField, DescMethod } from "@bufbuild/protobuf";
import type { Template } from "./template.ts";

/** The field that a variable of a template sets. */
export interface BoundVariable {
  /** From the request message down to the field. */
  readonly fields: readonly DescField[];
  readonly multi: boolean;
}

/** One way to call a method by HTTP, as its contract states it in google.api.http. */
export interface Binding {
  readonly method: DescMethod;
  /** The process that serves it. */
  readonly service: string;
  /** `GET`, `POST`, …, as it stands on the request line. */
  readonly verb: string;
  readonly template: Template;
  /** In the order of the template's variables. */
  readonly variables: readonly BoundVariable[];
  /** What the body is: the whole request but for the variables, one field of it, or not allowed. */
  readonly body: "*" | DescField | undefined;
  /** The field of the answer that is given in its place. */
  readonly responseBody: DescField | undefined;
}
