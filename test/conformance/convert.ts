import { create, toBinary } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import type { Header, WireError } from "./suite.ts";

type Fields = Pick<Header, "name" | "value">;

/** Header fields as the suite writes them. */
export function fieldsOf(headers: Headers): Fields[] {
  const fields: Fields[] = [];
  headers.forEach((value, name) => {
    fields.push({ name, value: [value] });
  });
  return fields;
}

export function addFields(headers: Headers, fields: readonly Fields[]): void {
  for (const { name, value } of fields) for (const it of value) headers.append(name, it);
}

/** An error that a test asks for; the details are sent as they came, whatever they are. */
export function errorOf({ code, message, details }: WireError, info: Any | undefined): ConnectError {
  const error = new ConnectError(message ?? "", code);
  error.details = [...details, ...(info ? [info] : [])].map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return error;
}

/** What a call failed with, as the suite writes it. */
export function failureOf(thrown: unknown): {
  code: number;
  message: string;
  details: Pick<Any, "typeUrl" | "value">[];
} {
  const error = ConnectError.from(thrown);
  return {
    code: error.code,
    message: error.rawMessage,
    details: error.details.map((detail) => {
      if ("desc" in detail) {
        const value = toBinary(detail.desc, create(detail.desc, detail.value));
        return { typeUrl: `type.googleapis.com/${detail.desc.typeName}`, value };
      }
      return { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value };
    }),
  };
}
