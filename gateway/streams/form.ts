import type { BusboyFileStream, BusboyInstance } from "@fastify/busboy";
import { Busboy } from "@fastify/busboy";
import { fail } from "#mesh/errors.ts";
import type { GivingUp } from "./giving-up.ts";
import { createGivingUp } from "./giving-up.ts";
import { streamPolicy } from "./policy.ts";

export interface FormFile {
  readonly filename: string;
  readonly contentType: string;
  /** The next piece; nothing at the end of the form. */
  next(): Promise<Buffer | undefined>;
}

/** A form of type multipart/form-data (RFC 7578), of which the file comes last. */
export interface Form {
  /** Names and values, once the file begins. */
  readonly fields: readonly (readonly [string, string])[];
  readonly file: FormFile;
}

const { form: bounds } = streamPolicy;

export const isForm = (contentType: string): boolean => /^multipart\/form-data\s*(;|$)/i.test(contentType);

/**
 * Reads a form as far as its file. The rest is read as the file is: no faster,
 * and what stands behind it is looked at before the file counts as whole.
 */
export async function readForm(
  contentType: string,
  next: () => Promise<Buffer | undefined>,
  maxFieldBytes: number,
): Promise<Form> {
  const parser = parserOf(contentType);
  const { giveUp: refuse, unless } = createGivingUp();
  const begun = Promise.withResolvers<FormFile>();
  const read = Promise.withResolvers<void>();
  const fields: (readonly [string, string])[] = [];
  let size = 0;
  let hasFile = false;

  parser.on("field", (name: string | undefined, value, _nameCut, isCut) => {
    size += (name?.length ?? 0) + Buffer.byteLength(value);
    if (hasFile) refuse(fieldsFirst(name));
    else if (isCut || size > maxFieldBytes) refuse(fieldsTooLarge());
    else if (!name || name.length > bounds.nameChars) refuse(badName());
    else fields.push([name, value]);
  });
  parser.on("file", (_name, stream, filename, _encoding, type) => {
    hasFile = true;
    // Told by the parser itself as well.
    stream.on("error", (cause) => refuse(badForm(cause)));
    begun.resolve({ filename: filename ?? "", contentType: type, next: () => nextOf(stream) });
  });
  parser.on("filesLimit", () => refuse(oneFile()));
  parser.on("fieldsLimit", () => refuse(tooManyFields()));
  parser.on("partsLimit", () => refuse(tooManyFields()));
  parser.on("error", (cause) => refuse(badForm(cause)));
  parser.on("finish", () => {
    if (!hasFile) refuse(noFile());
    read.resolve();
  });

  async function* chunks(stream: BusboyFileStream): AsyncGenerator<Buffer, void> {
    yield* stream as AsyncIterable<Buffer>;
    await read.promise;
  }
  let iterator: AsyncGenerator<Buffer, void> | undefined;
  const nextOf = async (stream: BusboyFileStream): Promise<Buffer | undefined> => {
    iterator ??= chunks(stream);
    const step = await unless(iterator.next());
    return step.done ? undefined : step.value;
  };

  feed(parser, next, unless).catch(refuse);
  return { file: await unless(begun.promise), fields };
}

/** Gives the parser the request, one chunk after the other: the next when it is done with the last. */
async function feed(
  parser: BusboyInstance,
  next: () => Promise<Buffer | undefined>,
  unless: GivingUp["unless"],
): Promise<void> {
  for (;;) {
    const chunk = await unless(next());
    if (!chunk) break;
    const taken = new Promise<void>((resolve) => parser.write(chunk, () => resolve()));
    await unless(taken);
  }
  parser.end();
}

function parserOf(contentType: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      fileHwm: streamPolicy.chunkBytes,
      limits: {
        files: 1,
        fields: bounds.fields,
        parts: bounds.fields + 2,
        fieldSize: bounds.fieldBytes,
        headerPairs: bounds.headers,
        headerSize: bounds.headerBytes,
      },
    });
  } catch (cause) {
    throw badForm(cause);
  }
}

const badForm = (cause: unknown) =>
  fail.invalid("bad_form", "the body is no form of type multipart/form-data", {
    remedy: "send it as RFC 7578 says, with the boundary in its Content-Type",
    cause,
  });
const badName = () =>
  fail.invalid(
    "bad_form",
    `a field of the form has no name, or one of more than ${bounds.nameChars} letters`,
    {
      remedy: "name it as the request does",
    },
  );
const fieldsFirst = (name: string | undefined) =>
  fail.invalid("field_after_file", `the field ${(name ?? "").slice(0, 40)} comes behind the file`, {
    remedy: "put the fields of the form before its file, which is passed on as it comes",
  });
const oneFile = () =>
  fail.invalid("too_many_files", "the form has more than one file", { remedy: "send one file a request" });
const noFile = () =>
  fail.invalid("file_missing", "the form has no file", {
    remedy: "send it as a part with a filename, behind the fields",
  });
const tooManyFields = () => fail.invalid("too_many_fields", `the form has more than ${bounds.fields} fields`);
const fieldsTooLarge = () =>
  fail.exhausted("body_too_large", "the fields of the form are too large", {
    remedy: `a field has at most ${bounds.fieldBytes} bytes; what is longer belongs into the file`,
  });
