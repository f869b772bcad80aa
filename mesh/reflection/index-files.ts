import type { DescExtension, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";

/** What reflection clients ask for: files by name, by what they declare, and extensions by what they extend. */
export interface FileIndex {
  file(name: string): DescFile | undefined;
  fileOf(symbol: string): DescFile | undefined;
  extension(extendee: string, number: number): DescFile | undefined;
  extensionNumbers(extendee: string): number[] | undefined;
}

export function indexFiles(contracts: readonly DescService[]): FileIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, DescFile>>();

  const addExtension = (extension: DescExtension) => {
    const extendee = extension.extendee.typeName;
    const known = extensions.get(extendee) ?? new Map<number, DescFile>();
    extensions.set(extendee, known.set(extension.number, extension.file));
    symbols.set(extension.typeName, extension.file);
  };
  const addMessage = (message: DescMessage) => {
    messages.add(message.typeName);
    symbols.set(message.typeName, message.file);
    for (const field of message.fields) symbols.set(`${message.typeName}.${field.name}`, message.file);
    for (const nested of message.nestedEnums) symbols.set(nested.typeName, message.file);
    message.nestedMessages.forEach(addMessage);
    message.nestedExtensions.forEach(addExtension);
  };
  const addFile = (file: DescFile) => {
    if (files.has(file.proto.name)) return;
    files.set(file.proto.name, file);
    file.dependencies.forEach(addFile);
    file.messages.forEach(addMessage);
    file.extensions.forEach(addExtension);
    for (const desc of file.enums) symbols.set(desc.typeName, file);
    for (const service of file.services) {
      symbols.set(service.typeName, file);
      for (const method of service.methods) symbols.set(`${service.typeName}.${method.name}`, file);
    }
  };
  for (const contract of contracts) addFile(contract.file);

  return {
    file: (name) => files.get(name),
    fileOf: (symbol) => symbols.get(symbol),
    extension: (extendee, number) => extensions.get(extendee)?.get(number),
    extensionNumbers: (extendee) =>
      messages.has(extendee) ? [...(extensions.get(extendee)?.keys() ?? [])] : undefined,
  };
}
