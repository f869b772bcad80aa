import { stripVTControlCharacters, styleText } from "node:util";

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The first column to the left, the others to the right, each as wide as its widest cell. */
export function printTable({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => width(row[column]))));
  const line = (row: readonly string[]) =>
    `  ${head.map((_, column) => pad(row[column] ?? "", widths[column] ?? 0, column === 0)).join("  ")}`.trimEnd();
  return [styleText("bold", title), styleText("dim", line(head)), ...rows.map(line)].join("\n");
}

const width = (cell: string | undefined) => stripVTControlCharacters(cell ?? "").length;

function pad(cell: string, wanted: number, left: boolean): string {
  const space = " ".repeat(Math.max(0, wanted - width(cell)));
  return left ? cell + space : space + cell;
}
