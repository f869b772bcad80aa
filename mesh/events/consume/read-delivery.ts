import type { DescMessage, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { uuidForm } from "../../id.ts";
import type { Delivery } from "./delivery.ts";

/** A delivery that can be given to the handler. */
export interface Ready {
  readonly delivery: Delivery;
  readonly message: Message;
}

/** Finds the message in a delivery, or says why there is none for this consumer. */
export function createReader(schemas: readonly DescMessage[], consumer: string) {
  const known = new Map(schemas.map((schema) => [schema.typeName, schema]));
  return (delivery: Delivery): Ready | string => {
    const { head, data } = delivery;
    const schema = known.get(head.type);
    if (!schema) return `its type is "${head.type}", which is none that ${consumer} handles`;
    if (!uuidForm.test(head.id)) return "its id is no UUID";
    try {
      return { delivery, message: fromBinary(schema, data) };
    } catch (error) {
      return `it is no ${head.type}: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
}
