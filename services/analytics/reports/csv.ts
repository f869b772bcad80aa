import type { Cell, Line } from "./table.ts";

/**
 * What spreadsheets take for the beginning of a formula (OWASP, CSV injection),
 * also in its wide form and behind what nobody sees.
 */
const formula = /^[\s\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
/** What parts cells in some country. */
const parting = /[",;|\t\r\n]/;
const plainNumber = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** One line of RFC 4180, with cells that no spreadsheet runs. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvCell).join(",")}\r\n`;

function csvCell(cell: Cell): string {
  const text = textOf(cell);
  const harmless = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return parting.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function textOf(cell: Cell): string {
  if (cell === null) return "";
  if (cell instanceof Date) return cell.toISOString();
  if (Array.isArray(cell)) return cell.join(" ");
  if (typeof cell === "object") return Object.keys(cell).length === 0 ? "" : JSON.stringify(cell);
  return String(cell);
}

/** One object in a line; whole numbers of 64 bits are text, as in the JSON of the API. */
export const jsonLine = (line: Line): string =>
  `${JSON.stringify(line, (_, value) => (typeof value === "bigint" ? `${value}` : value))}\n`;
