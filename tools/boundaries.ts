/**
 * Who may import whom. Prints every forbidden arrow and fails when there is
 * one; `boundaries.test.ts` proves that it would.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** What code in a place may import of the project, beside its own place. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  gen: [],
  embedded: [],
  mesh: ["gen"],
  "mesh/testing": ["gen", "mesh", "embedded"],
  gateway: ["gen", "mesh"],
  services: ["gen", "mesh"],
  sandbox: ["gen", "mesh"],
  cli: ["gen", "mesh", "embedded", "sandbox"],
  tools: [],
  bench: ["gen", "mesh", "gateway", "services", "embedded", "mesh/testing", "tools"],
  test: ["gen", "mesh", "embedded", "services", "gateway", "cli", "sandbox", "tools", "mesh/testing"],
};

export interface Arrow {
  readonly file: string;
  readonly target: string;
  readonly why: string;
}

/** The forbidden imports of one file. Pure, so that it can be tested. */
export function forbiddenIn(root: string, file: string, source: string): Arrow[] {
  const from = placeOf(relative(root, file));
  if (from === undefined) return [];
  const isTest = file.endsWith(".test.ts") || file.split(sep).includes("testing");
  return importsOf(source).flatMap((specifier) => {
    const target = resolveTarget(root, file, specifier);
    if (target === undefined) return [];
    const to = placeOf(target);
    const why = to === undefined ? undefined : objection(from, to, isTest);
    return why ? [{ file: relative(root, file), target, why }] : [];
  });
}

interface Place {
  readonly top: string;
  /** The service's own folder, for those in `services/`. */
  readonly service: string | undefined;
}

function placeOf(path: string): Place | undefined {
  if (path.startsWith(join("mesh", "testing") + sep)) return { top: "mesh/testing", service: undefined };
  const [top = "", second] = path.split(sep);
  return top in allowed ? { top, service: top === "services" ? second : undefined } : undefined;
}

function objection(from: Place, to: Place, isTest: boolean): string | undefined {
  if (isTest && to.top === "mesh/testing") return undefined;
  if (from.top === to.top) {
    return from.service !== to.service ? "a service knows of another only its contract" : undefined;
  }
  return allowed[from.top]?.includes(to.top) ? undefined : `${from.top}/ may not import ${to.top}/`;
}

/** At the start of a line, so that what stands in a string is none; templates are emptied before. */
const staticImport = /^\s*(?:import|export)\s(?:[^"'`;]*\sfrom\s*)?["']([^"']+)["']/gm;
const dynamicImport = /^[^"'`\n]*\bimport\(\s*["']([^"']+)["']/gm;
const template = /`(?:\\.|[^`\\])*`/gs;

function importsOf(source: string): string[] {
  const code = source.replace(template, "``");
  return [staticImport, dynamicImport].flatMap((form) =>
    [...code.matchAll(form)].map(([, specifier = ""]) => specifier),
  );
}

function resolveTarget(root: string, file: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return specifier.slice(1).split("/").join(sep);
  if (specifier.startsWith(".")) return relative(root, resolve(dirname(file), specifier));
  return undefined;
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === "node_modules") continue;
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|tsx|mjs)$/.test(entry.name) && !entry.name.endsWith(".d.ts")) yield path;
  }
}

export function forbiddenUnder(root: string): Arrow[] {
  const places = readdirSync(root, { withFileTypes: true }).filter(
    (it) => it.isDirectory() && it.name in allowed,
  );
  return places
    .flatMap(({ name }) => [...sources(join(root, name))])
    .flatMap((file) => forbiddenIn(root, file, readFileSync(file, "utf8")));
}

if (import.meta.main) {
  const arrows = forbiddenUnder(join(import.meta.dirname, ".."));
  for (const { file, target, why } of arrows) console.error(`${file} → ${target}: ${why}`);
  process.exitCode = arrows.length > 0 ? 1 : 0;
}
