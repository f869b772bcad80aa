import type {
  DescEnum,
  DescExtension,
  DescField,
  DescFile,
  DescMessage,
  DescOneof,
} from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

/**
 * Writes a proto2 file again from its descriptor: its names, numbers and types.
 * Comments are not in a descriptor, and custom options are left out: whoever
 * needs those uses the descriptor itself.
 */
export function printProto(file: DescFile): string {
  if (file.edition !== 998) throw new Error(`${file.proto.name}: only proto2 files are printed`);
  return [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((path) => `import "${path}";`),
    ...file.enums.map((it) => printEnum(it)),
    ...file.messages.map((it) => printMessage(it)),
    ...file.extensions.map((it) => printExtension(it)),
    "",
  ].join("\n\n");
}

function printMessage(message: DescMessage): string {
  const ranges = message.proto.extensionRange.map(({ start = 0, end = 0 }) =>
    end > 536870911 ? `extensions ${start} to max;` : `extensions ${start} to ${end - 1};`,
  );
  const reserved = message.proto.reservedRange.map(
    ({ start = 0, end = 0 }) => `reserved ${start} to ${end - 1};`,
  );
  const names = message.proto.reservedName.map((name) => `reserved "${name}";`);
  return block(`message ${message.name}`, [
    ...reserved,
    ...names,
    ...message.nestedEnums.map(printEnum),
    ...message.nestedMessages.filter((it) => !it.proto.options?.mapEntry).map(printMessage),
    ...message.members.map((member) => (member.kind === "oneof" ? printOneof(member) : printField(member))),
    ...ranges,
  ]);
}

function printEnum(desc: DescEnum): string {
  const alias = desc.proto.options?.allowAlias ? ["option allow_alias = true;"] : [];
  return block(`enum ${desc.name}`, [
    ...alias,
    ...desc.values.map((value) => `${value.name} = ${value.number};`),
  ]);
}

function printOneof(oneof: DescOneof): string {
  return block(
    `oneof ${oneof.name}`,
    oneof.fields.map((field) => `${typeName(field)} ${field.name} = ${field.number};`),
  );
}

function printField(field: DescField): string {
  if (field.fieldKind === "map") {
    const value = field.message?.typeName ?? field.enum?.typeName ?? scalarName(field.scalar);
    return `map<${scalarName(field.mapKey)}, ${value}> ${field.name} = ${field.number};`;
  }
  return `${label(field)} ${typeName(field)} ${field.name} = ${field.number}${fieldOptions(field)};`;
}

function printExtension(extension: DescExtension): string {
  return block(`extend ${extension.extendee.typeName}`, [
    `${label(extension)} ${typeName(extension)} ${extension.name} = ${extension.number}${fieldOptions(extension)};`,
  ]);
}

function fieldOptions(field: DescField | DescExtension): string {
  const options: string[] = [];
  if (field.proto.options?.packed) options.push("packed = true");
  if (field.proto.options?.deprecated) options.push("deprecated = true");
  if (field.proto.defaultValue) {
    const quoted = field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES;
    options.push(`default = ${quoted ? JSON.stringify(field.proto.defaultValue) : field.proto.defaultValue}`);
  }
  return options.length > 0 ? ` [${options.join(", ")}]` : "";
}

function label(field: DescField | DescExtension): string {
  if (field.fieldKind === "list") return "repeated";
  return field.proto.label === 2 ? "required" : "optional";
}

function typeName(field: DescField | DescExtension): string {
  const named = field.message?.typeName ?? field.enum?.typeName;
  if (named) return `.${named}`;
  const scalar = field.fieldKind === "list" || field.fieldKind === "scalar" ? field.scalar : undefined;
  if (scalar === undefined) throw new Error(`${field.name}: a field kind that is not printed`);
  return scalarName(scalar);
}

function scalarName(scalar: ScalarType | undefined): string {
  if (scalar === undefined) throw new Error("a scalar type is missing");
  return (ScalarType[scalar] ?? "").toLowerCase();
}

function block(head: string, lines: string[]): string {
  return `${head} {\n${lines.join("\n").replace(/^/gm, "  ")}\n}`;
}
