import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { parseTemplate } from "./parse-template.ts";
import { comparePrecedence, shapeOf } from "./precedence.ts";
import { createRequestPath, readPath } from "./request-path.ts";
import { createRouter } from "./router.ts";
import type { Template } from "./template.ts";
import { createTrie } from "./trie.ts";

/** Routes written `GET /path`; each leads to its own text. */
const routerOf = (...routes: string[]) =>
  createRouter(
    routes.map((it) => {
      const [verb = "", path = ""] = it.split(" ");
      return { verb, template: parseTemplate(path), value: it };
    }),
  );
const found = (router: ReturnType<typeof routerOf>, request: string) => {
  const [verb = "", path = ""] = request.split(" ");
  return router.match(verb, path)?.value;
};
const captured = (template: string, path: string) =>
  routerOf(`GET ${template}`).match("GET", path)?.captures.join(" | ");
const reason = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return reasonOf(error);
  }
  return "nothing failed";
};

describe("the route of a request", () => {
  const router = routerOf(
    "GET /v1/users",
    "POST /v1/users",
    "GET /v1/users/me",
    "GET /v1/users/{id}",
    "PUT /v1/users/me",
    "DELETE /v1/users/{id}",
    "GET /v1/users/{id}/posts",
    "GET /v1/users/me/{rest=**}",
    "POST /v1/users/{id}:cancel",
    "GET /v1/{path=**}",
    "POST /v1/{path=files/**}:read",
    "* /any/{x}",
    "GET /any/{x}",
    "GET /caf%C3%A9",
  );
  test.each<[string, string | undefined]>([
    ["GET /v1/users", "GET /v1/users"],
    ["GET /v1/users/me", "GET /v1/users/me"],
    ["GET /v1/users/7", "GET /v1/users/{id}"],
    ["DELETE /v1/users/me", "DELETE /v1/users/{id}"],
    ["GET /v1/users/me/posts", "GET /v1/users/me/{rest=**}"],
    ["GET /v1/users/7/posts", "GET /v1/users/{id}/posts"],
    ["GET /v1/users/7/other", "GET /v1/{path=**}"],
    ["GET /v1", "GET /v1/{path=**}"],
    ["GET /v1/a/", "GET /v1/{path=**}"],
    ["POST /v1/users/7:cancel", "POST /v1/users/{id}:cancel"],
    ["GET /v1/users/7:cancel", "GET /v1/users/{id}"],
    ["GET /v1/users/a:b", "GET /v1/users/{id}"],
    ["POST /v1/files/a/b:read", "POST /v1/{path=files/**}:read"],
    ["POST /v1/files:read", "POST /v1/{path=files/**}:read"],
    ["POST /v1/files/a/b", undefined],
    ["HEAD /v1/users/7", "GET /v1/users/{id}"],
    ["PATCH /any/1", "* /any/{x}"],
    ["GET /any/1", "GET /any/{x}"],
    ["HEAD /any/1", "GET /any/{x}"],
    ["GET /caf%C3%A9", "GET /caf%C3%A9"],
    ["GET /caf%c3%a9", "GET /caf%C3%A9"],
    ["GET /%76%31/users", "GET /v1/users"],
    ["GET /v1/Users/me", "GET /v1/{path=**}"],
    ["PATCH /v1/users", undefined],
    ["get /v1/users", undefined],
    ["GET /", undefined],
    ["GET *", undefined],
    ["GET http://x/v1/users", undefined],
    ["POST /v1/users/:cancel", undefined],
  ])("%s is %s", (request, expected) => expect(found(router, request)).toBe(expected));

  test("HEAD is its own where it is declared", () => {
    expect(found(routerOf("GET /a", "HEAD /a"), "HEAD /a")).toBe("HEAD /a");
    expect(found(routerOf("GET /a", "HEAD /{x}"), "HEAD /a")).toBe("GET /a");
  });

  test("the root is matched by `**` alone", () => {
    expect(found(routerOf("GET /*", "GET /**"), "GET /")).toBe("GET /**");
  });

  test("names of an object's own machinery are segments like others", () => {
    const plain = routerOf("GET /v1/{id}");
    for (const name of ["__proto__", "constructor", "toString"]) {
      expect(plain.match("GET", `/v1/${name}`)?.captures).toEqual([name]);
      expect(plain.match("GET", `/${name}/x`)).toBeUndefined();
      expect(plain.match(name, "/v1/x")).toBeUndefined();
    }
  });

  test("an encoded slash or colon does not divide", () => {
    expect(found(router, "GET /v1%2Fusers")).toBeUndefined();
    expect(found(router, "POST /v1/users/7%3Acancel")).toBeUndefined();
    expect(routerOf("GET /{a}:x").match("GET", "/b%3Ac:%78")?.captures).toEqual(["b:c"]);
  });

  test("one request after another leaves nothing behind", () => {
    const two = routerOf("POST /{a}:x", "GET /{a}/{b}");
    expect(two.match("POST", "/%C3%A9:x")?.captures).toEqual(["é"]);
    expect(two.match("GET", "/a:x/b:x")?.captures).toEqual(["a:x", "b:x"]);
    expect(reason(() => two.match("GET", "/a/%zz"))).toBe("bad_encoding");
    expect(two.match("GET", "/a/b")?.captures).toEqual(["a", "b"]);
  });
});

describe("paths that others may read otherwise match nothing", () => {
  const all = routerOf("GET /**", "GET /{a}", "GET /v1/{a}", "GET /v1/{a}/{b}", "GET /{a}:x");
  test.each([
    "//",
    "//v1",
    "/v1//a",
    "/v1/a//",
    "/.",
    "/..",
    "/v1/../a",
    "/v1/./a",
    "/v1/%2e%2E/a",
    "/v1/.%2e",
    "v1/a",
    "",
  ])("%j", (path) => {
    expect(found(all, `GET ${path}`)).toBeUndefined();
    expect(all.verbs(path)).toEqual([]);
  });

  test("a suffix does not make a dot segment of what is before it", () => {
    expect(found(all, "GET /..:x")).toBe("GET /{a}");
    expect(found(all, "GET /...:x")).toBe("GET /{a}:x");
  });

  test("a trailing slash is taken by `**` alone", () => {
    expect(found(routerOf("GET /v1/{a}", "GET /v1/{a}/{b}"), "GET /v1/a/")).toBeUndefined();
    expect(captured("/v1/{a=**}", "/v1/a/")).toBe("a/");
    expect(captured("/v1/{a=**}", "/v1/")).toBe("");
  });
});

describe("captures", () => {
  test.each<[string, string, string]>([
    ["/v1/{id}", "/v1/a%20b", "a b"],
    ["/v1/{id}", "/v1/a+b", "a+b"],
    ["/v1/{id}", "/v1/a%2Fb", "a/b"],
    ["/v1/{id}", "/v1/%252F", "%2F"],
    ["/v1/{id}", "/v1/%C3%A9%F0%9F%98%80", "é😀"],
    ["/v1/{a}/{b}", "/v1/x/y", "x | y"],
    ["/v1/{name=shelves/*}", "/v1/shelves/7", "shelves/7"],
    ["/v1/{name=shelves/*}", "/v1/%73helves/a%2Fb", "shelves/a%2Fb"],
    ["/v1/{name=shelves/*}", "/v1/shelves/a%2fb%20c", "shelves/a%2fb c"],
    ["/v1/{path=**}", "/v1/a/b%2Fc/d%25", "a/b%2Fc/d%"],
    ["/v1/{path=**}", "/v1", ""],
    ["/v1/{path=x/**}", "/v1/x", "x"],
    ["/v1/{path=x/**}:go", "/v1/x/y:go", "x/y"],
    ["/v1/{id}:go", "/v1/a:b:go", "a:b"],
    ["/v1/{a=x/*}/**", "/v1/x/y/z/w", "x/y"],
    ["/v1/{kind=users}/x", "/v1/users/x", "users"],
  ])("of %s in %s", (template, path, expected) => expect(captured(template, path)).toBe(expected));
});

describe("a path that cannot be read", () => {
  const router = routerOf("GET /v1/{id}");
  test.each([
    "/v1/%",
    "/v1/%2",
    "/v1/%zz",
    "/v1/%ff",
    "/v1/%C3",
    "/v1/%ED%A0%80",
    "/v1/%C0%AF",
    "/v1/é",
    "/v1/a b",
    "/v1/\0",
  ])("%j is bad_encoding", (path) => expect(reason(() => router.match("GET", path))).toBe("bad_encoding"));
  test("is too long beyond 8192 characters or 128 segments", () => {
    expect(router.match("GET", `/v1/${"a".repeat(8188)}`)?.captures).toHaveLength(1);
    expect(reason(() => router.match("GET", `/v1/${"a".repeat(8189)}`))).toBe("path_too_long");
    const deep = routerOf("GET /**");
    expect(found(deep, `GET ${"/a".repeat(128)}`)).toBe("GET /**");
    expect(reason(() => deep.match("GET", "/a".repeat(129)))).toBe("path_too_long");
  });
});

test("the verbs of a path are those of all templates that match it", () => {
  const router = routerOf("GET /v1/{id}", "DELETE /v1/me", "POST /v1/{id}:go", "PUT /v1/**", "PATCH /other");
  expect(router.verbs("/v1/me")).toEqual(["DELETE", "GET", "HEAD", "PUT"]);
  expect(router.verbs("/v1/me:go")).toEqual(["GET", "HEAD", "POST", "PUT"]);
  expect(router.verbs("/v2")).toEqual([]);
});

const literal = fc.constantFrom("a", "b", "a:b");
const body = fc.array(fc.oneof(literal, fc.constant("*")), { maxLength: 4 });
const templates = fc
  .record({ body, rest: fc.boolean(), verb: fc.constantFrom("", "", ":x", ":b") })
  .map(({ body, rest, verb }) => {
    const segments = rest || body.length === 0 ? [...body, "**"] : body;
    // A colon in a last segment must be encoded, or it would begin the verb.
    const text = `/${segments.map((it) => it.replace(":", "%3A")).join("/")}${verb}`;
    return parseTemplate(text);
  });
const paths = fc
  .array(fc.constantFrom("a", "b", "c", "a:b", "a:x", "%61", "a%3Ab", ""), { maxLength: 5 })
  .map((it) => `/${it.join("/")}`);

/** Written again in the plainest way: all templates in order of precedence, each by itself. */
function reference(routes: readonly { verb: string; template: Template }[], verb: string, path: string) {
  const raw = path === "/" ? [] : path.slice(1).split("/");
  if (raw.slice(0, -1).includes("")) return undefined;
  const matches = ({ segments, verb: suffix }: Template) => {
    const parts = [...raw];
    if (suffix !== "") {
      const last = parts.pop() ?? "";
      const at = last.lastIndexOf(":");
      if (at < 0 || last.slice(at + 1) !== suffix) return false;
      parts.push(last.slice(0, at));
    }
    const rest = segments.at(-1)?.kind === "rest";
    const fixed = rest ? segments.length - 1 : segments.length;
    if (rest ? parts.length < fixed : parts.length !== fixed) return false;
    return segments.slice(0, fixed).every((it, i) => {
      const text = decodeURIComponent(parts[i]!);
      return text !== "" && (it.kind === "one" || (it.kind === "literal" && it.text === text));
    });
  };
  const verbs = verb === "HEAD" ? ["HEAD", "GET", "*"] : [verb, "*"];
  const order = routes
    .filter((it) => verbs.includes(it.verb) && matches(it.template))
    .sort(
      (a, b) => comparePrecedence(a.template, b.template) || verbs.indexOf(a.verb) - verbs.indexOf(b.verb),
    );
  return order[0];
}

test("the router finds what trying all templates in order of precedence finds", () => {
  const verbs = fc.constantFrom("GET", "POST", "HEAD", "*");
  const sets = fc.uniqueArray(fc.record({ verb: verbs, template: templates }), {
    selector: ({ verb, template }) => `${verb} ${shapeOf(template)}`,
    maxLength: 12,
  });
  let hits = 0;
  fc.assert(
    fc.property(sets, fc.constantFrom("GET", "POST", "HEAD", "PUT"), paths, (routes, verb, path) => {
      const router = createRouter(routes.map((it) => ({ ...it, value: it })));
      const expected = reference(routes, verb, path);
      if (expected) hits++;
      expect(router.match(verb, path)?.value).toBe(expected);
      const all = ["GET", "POST", "HEAD", "*"].filter((it) =>
        routes.some((route) => route.verb === it && reference([route], it === "*" ? "PUT" : it, path)),
      );
      if (all.includes("GET") && !all.includes("HEAD")) all.push("HEAD");
      expect(router.verbs(path)).toEqual(all.sort());
    }),
    { numRuns: 3000 },
  );
  expect(hits).toBeGreaterThan(300);
});

test("a search visits no node twice, whatever the templates and the path", () => {
  const hostile = fc.array(fc.constantFrom("a", "*"), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 200 }), fc.integer({ min: 1, max: 13 }), (all, depth) => {
      const trie = createTrie<number>();
      for (const [i, it] of all.entries()) trie.add("GET", parseTemplate(`/${it.join("/")}/end`), i);
      const path = createRequestPath();
      readPath(path, "/a".repeat(depth));
      trie.find(path, "", "GET");
      expect(trie.visited()).toBeLessThanOrEqual(trie.size());
      expect(trie.size()).toBeLessThanOrEqual(1 + all.reduce((sum, it) => sum + it.length + 1, 0));
    }),
  );
});
