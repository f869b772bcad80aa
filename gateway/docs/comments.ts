import type { DescEnum, DescField, DescFile, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { mostCommentLength } from "./limits.ts";

type Commented = DescService | DescMethod | DescMessage | DescField | DescEnum;

/** Numbers of the fields of descriptor.proto by which source info names a place. */
const place = {
  messageInFile: 4,
  enumInFile: 5,
  serviceInFile: 6,
  method: 2,
  field: 2,
  messageInMessage: 3,
  enumInMessage: 4,
};

/**
 * The comment above a thing in its .proto, when its file has source info.
 * Generated code and the descriptor sets made of it have none (protoc-gen-es
 * takes it out); `buf build --as-file-descriptor-set` keeps it.
 */
export function commentOf(desc: Commented): string | undefined {
  const { file } = desc.kind === "field" || desc.kind === "rpc" ? desc.parent : desc;
  return commentsOf(file)?.get(pathOf(desc).join("."));
}

const known = new WeakMap<DescFile, ReadonlyMap<string, string>>();

function commentsOf(file: DescFile): ReadonlyMap<string, string> | undefined {
  const locations = file.proto.sourceCodeInfo?.location;
  if (!locations || locations.length === 0) return undefined;
  let comments = known.get(file);
  if (!comments) {
    const found = new Map<string, string>();
    for (const { path, leadingComments, trailingComments } of locations) {
      const text = tidy(leadingComments || trailingComments);
      if (text) found.set(path.join("."), text);
    }
    comments = found;
    known.set(file, comments);
  }
  return comments;
}

/** Lines of a paragraph flow; an empty line stays. The remarks of linters are not for readers. */
function tidy(comment: string): string {
  return comment
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => !line.startsWith("buf:lint:"))
    .join("\n")
    .trim()
    .slice(0, mostCommentLength);
}

function pathOf(desc: Commented): number[] {
  switch (desc.kind) {
    case "service":
      return [place.serviceInFile, desc.file.proto.service.indexOf(desc.proto)];
    case "rpc":
      return [...pathOf(desc.parent), place.method, desc.parent.proto.method.indexOf(desc.proto)];
    case "field":
      return [...pathOf(desc.parent), place.field, desc.parent.proto.field.indexOf(desc.proto)];
    case "message":
      return desc.parent
        ? [...pathOf(desc.parent), place.messageInMessage, desc.parent.proto.nestedType.indexOf(desc.proto)]
        : [place.messageInFile, desc.file.proto.messageType.indexOf(desc.proto)];
    case "enum":
      return desc.parent
        ? [...pathOf(desc.parent), place.enumInMessage, desc.parent.proto.enumType.indexOf(desc.proto)]
        : [place.enumInFile, desc.file.proto.enumType.indexOf(desc.proto)];
  }
}
