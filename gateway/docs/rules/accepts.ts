import type { JsonValue } from "@bufbuild/protobuf";
import type { Schema } from "../document.ts";
import { formatSamples } from "./formats.ts";
import { matches } from "./pattern.ts";

/** Whether a text satisfies a schema of ours: the keywords of texts that the rules are turned into. */
export function accepts(schema: Schema, text: string): boolean {
  return Object.entries(schema).every(([keyword, value]) => holds(keyword, value, text));
}

function holds(keyword: string, value: JsonValue, text: string): boolean {
  switch (keyword) {
    case "const":
      return text === value;
    case "enum":
      return Array.isArray(value) && value.includes(text);
    case "minLength":
      return [...text].length >= Number(value);
    case "maxLength":
      return [...text].length <= Number(value);
    case "pattern":
      return typeof value === "string" && matches(value, text);
    case "format":
      return (formatSamples[String(value)] ?? [text]).includes(text);
    case "not":
      return isSchema(value) && !accepts(value, text);
    case "allOf":
      return Array.isArray(value) && value.every((it) => isSchema(it) && accepts(it, text));
    case "anyOf":
      return Array.isArray(value) && value.some((it) => isSchema(it) && accepts(it, text));
    default:
      return true;
  }
}

const isSchema = (value: JsonValue): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
