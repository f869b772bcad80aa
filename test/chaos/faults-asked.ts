/** The faults that `--faults` names; ends the process when there is none of such a name. */
export function faultsAsked<K extends string>(text: string, kinds: readonly K[]): K[] {
  const asked = text.split(",");
  const strange = asked.find((it) => !kinds.some((kind) => kind === it));
  if (strange !== undefined) {
    console.error(`there is no fault called "${strange}"; choose of ${kinds.join(", ")}`);
    process.exit(2);
  }
  return kinds.filter((kind) => asked.includes(kind));
}
