import type { RequestPath } from "./request-path.ts";
import type { Template } from "./template.ts";

/** What a route leads to. */
export interface Leaf<T> {
  readonly verb: string;
  readonly template: Template;
  readonly value: T;
}

/**
 * Routes that end at one place. There is one for each verb, and of verbs there
 * are few: a list of them is found sooner than a map, in memory above all.
 */
interface Leaves<T> {
  readonly plain: Leaf<T>[];
  /** By what follows the colon. */
  suffixed: Map<string, Leaf<T>[]> | undefined;
}

interface Node<T> {
  literals: Map<string, Node<T>> | undefined;
  one: Node<T> | undefined;
  /** Routes that end here. */
  ends: Leaves<T> | undefined;
  /** Routes that go on here with `**`. */
  rests: Leaves<T> | undefined;
}

/** A verb of a rule that stands for all of them (google.api.HttpRule.custom). */
export const anyVerb = "*";

/**
 * One node for each segment of a template. A node is reached by one way only,
 * so a search that backtracks visits none twice, and costs at most as much as
 * there are nodes, whatever the path.
 */
export function createTrie<T>() {
  const root = createNode<T>();
  let size = 1;
  let visited = 0;

  const child = (node: Node<T>, text: string | undefined): Node<T> => {
    const known = text === undefined ? node.one : node.literals?.get(text);
    if (known) return known;
    const made = createNode<T>();
    size++;
    if (text === undefined) node.one = made;
    else {
      node.literals ??= new Map();
      node.literals.set(text, made);
    }
    return made;
  };

  const find = (
    node: Node<T>,
    at: number,
    path: RequestPath,
    suffix: string,
    verb: string,
  ): Leaf<T> | undefined => {
    visited++;
    if (at === path.count) return pick(node.ends, suffix, verb) ?? pick(node.rests, suffix, verb);
    const text = path.texts[at];
    if (text !== undefined && text !== "") {
      const literal = node.literals?.get(text);
      const found =
        (literal && find(literal, at + 1, path, suffix, verb)) ??
        (node.one && find(node.one, at + 1, path, suffix, verb));
      if (found) return found;
    }
    return pick(node.rests, suffix, verb);
  };

  const collect = (node: Node<T>, at: number, path: RequestPath, suffix: string, into: Set<string>) => {
    gather(node.rests, suffix, into);
    if (at === path.count) return gather(node.ends, suffix, into);
    const text = path.texts[at];
    if (text === undefined || text === "") return;
    const literal = node.literals?.get(text);
    if (literal) collect(literal, at + 1, path, suffix, into);
    if (node.one) collect(node.one, at + 1, path, suffix, into);
  };

  return {
    /** False: a route of the same shape and verb is there already. */
    add(verb: string, template: Template, value: T): boolean {
      let node = root;
      let isRest = false;
      for (const segment of template.segments) {
        if (segment.kind === "rest") isRest = true;
        else node = child(node, segment.kind === "literal" ? segment.text : undefined);
      }
      const leaves = (isRest ? node.rests : node.ends) ?? { plain: [], suffixed: undefined };
      if (isRest) node.rests = leaves;
      else node.ends = leaves;
      const known = leavesAt(leaves, template.verb);
      if (known?.some((it) => it.verb === verb)) return false;
      const leaf = { verb, template, value };
      if (known) known.push(leaf);
      else {
        leaves.suffixed ??= new Map();
        leaves.suffixed.set(template.verb, [leaf]);
      }
      return true;
    },
    /** The route that comes first by precedence among those with this suffix. */
    find(path: RequestPath, suffix: string, verb: string): Leaf<T> | undefined {
      visited = 0;
      return find(root, 0, path, suffix, verb);
    },
    /** The verbs of all routes with this suffix that match. */
    collect: (path: RequestPath, suffix: string, into: Set<string>): void =>
      collect(root, 0, path, suffix, into),
    size: (): number => size,
    /** How many nodes the last search went to. */
    visited: (): number => visited,
  };
}

function createNode<T>(): Node<T> {
  return { literals: undefined, one: undefined, ends: undefined, rests: undefined };
}

const leavesAt = <T>(leaves: Leaves<T> | undefined, suffix: string): Leaf<T>[] | undefined =>
  suffix === "" ? leaves?.plain : leaves?.suffixed?.get(suffix);

function pick<T>(leaves: Leaves<T> | undefined, suffix: string, verb: string): Leaf<T> | undefined {
  const all = leavesAt(leaves, suffix);
  if (!all) return undefined;
  let get: Leaf<T> | undefined;
  let any: Leaf<T> | undefined;
  for (let i = 0; i < all.length; i++) {
    const leaf = all[i];
    if (leaf?.verb === verb) return leaf;
    if (leaf?.verb === "GET") get = leaf;
    else if (leaf?.verb === anyVerb) any = leaf;
  }
  // RFC 9110 §9.3.2: HEAD is GET without its content.
  return verb === "HEAD" && get ? get : any;
}

function gather<T>(leaves: Leaves<T> | undefined, suffix: string, into: Set<string>): void {
  for (const { verb } of leavesAt(leaves, suffix) ?? []) into.add(verb);
}
