import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { parseTemplate } from "./parse-template.ts";
import type { Template } from "./template.ts";

/** Segments as they are read, and variables as `path[first,end)` with `+` for those that may hold slashes. */
const brief = ({ segments, variables, verb }: Template) => ({
  segments: segments.map((it) => (it.kind === "literal" ? it.text : it.kind === "one" ? "*" : "**")),
  variables: variables.map((it) => `${it.path}[${it.first},${it.end})${it.multi ? "+" : ""}`),
  verb,
});

describe("a template of the grammar is parsed", () => {
  test.each<[string, string[], string[], string]>([
    ["/v1/users", ["v1", "users"], [], ""],
    ["/v1/{id}", ["v1", "*"], ["id[1,2)"], ""],
    ["/v1/{id=*}", ["v1", "*"], ["id[1,2)"], ""],
    ["/v1/{name=shelves/*}", ["v1", "shelves", "*"], ["name[1,3)+"], ""],
    ["/v1/{name=shelves/*/books/*}:sell", ["v1", "shelves", "*", "books", "*"], ["name[1,5)+"], "sell"],
    ["/v1/{path=**}", ["v1", "**"], ["path[1,2)+"], ""],
    ["/v1/{path=files/**}:read", ["v1", "files", "**"], ["path[1,3)+"], "read"],
    ["/v1/{kind=users}/x", ["v1", "users", "x"], ["kind[1,2)"], ""],
    ["/v1/{a.b_c.d1}/{e}", ["v1", "*", "*"], ["a.b_c.d1[1,2)", "e[2,3)"], ""],
    ["/{a}/*/{b=c/*}/**", ["*", "*", "c", "*", "**"], ["a[0,1)", "b[2,4)+"], ""],
    ["/**", ["**"], [], ""],
    ["/*", ["*"], [], ""],
    ["/v1:undelete", ["v1"], [], "undelete"],
    ["/a:b/c", ["a:b", "c"], [], ""],
    ["/a:b:c", ["a:b"], [], "c"],
    ["/{x=a:b}", ["a:b"], ["x[0,1)"], ""],
    ["/caf%C3%A9/a%2Fb%3A/%2A", ["café", "a/b:", "*"], [], ""],
    ["/.well-known/jwks.json", [".well-known", "jwks.json"], [], ""],
    ["/a!$&'()+,;=@~", ["a!$&'()+,;=@~"], [], ""],
  ])("%s", (text, segments, variables, verb) => {
    expect(brief(parseTemplate(text))).toEqual({ segments, variables, verb });
    expect(parseTemplate(text).text).toBe(text);
  });

  test("an encoded star is a literal, not a wildcard", () => {
    expect(parseTemplate("/%2A").segments).toEqual([{ kind: "literal", text: "*" }]);
  });
});

describe("a malformed template is refused, with what is wrong and where", () => {
  test.each<[string, RegExp]>([
    ["", /begin with "\/" \(character 1\)/],
    ["v1/users", /begin with/],
    ["/", /nothing where a segment should be \(character 2\)/],
    ["/v1/", /nothing where a segment should be \(character 5\)/],
    ["/v1//users", /nothing where a segment should be \(character 5\)/],
    ["/v1/users:", /nothing where the verb should be \(character 11\)/],
    ["/:verb", /nothing where a segment/],
    ["/v1/{id", /"\{" without its "\}" \(character 5\)/],
    ["/v1/id}", /"id\}"/],
    ["/v1/{}", /names "", which is not a field/],
    ["/v1/{1a}", /names "1a"/],
    ["/v1/{a..b}", /names "a..b"/],
    ["/v1/{a-b}", /names "a-b"/],
    ["/v1/{a=}", /nothing where a segment/],
    ["/v1/{a=/b}", /nothing where a segment/],
    ["/v1/{a=b/}", /nothing where a segment/],
    ["/v1/{a=b/{c}}", /not a whole segment/],
    ["/v1/{a}b", /behind a variable.* \(character 8\)/],
    ["/v1/{a}{b}", /behind a variable/],
    ["/v1/a{b}", /not a whole segment/],
    ["/v1/{a}/{a}", /sets a twice/],
    ["/**/a", /"\*\*" before its end/],
    ["/{a=**}/{b=**}", /"\*\*" before its end/],
    ["/v1/***", /"\*\*\*"/],
    ["/v1/a*", /"a\*"/],
    ["/v1/a b", /percent-encoded/],
    ["/v1/café", /percent-encoded/],
    ["/v1/a?b", /percent-encoded/],
    ["/v1/a#b", /percent-encoded/],
    ["/v1/%zz", /percent-encoded/],
    ["/v1/%f", /percent-encoded/],
    ["/v1/%ff", /not UTF-8/],
    ["/v1/../x", /no path may have/],
    ["/v1/%2e", /no path may have/],
    ["/v1/x:*", /"\*"/],
    [`/${"a/".repeat(128)}b`, /more than 128 segments/],
    [`/${"a".repeat(2048)}`, /longer than 2048/],
  ])("%j", (text, message) => {
    expect(() => parseTemplate(text)).toThrow(message);
    try {
      parseTemplate(text);
    } catch (error) {
      expect(reasonOf(error)).toBe("bad_template");
    }
  });
});

test("whatever the text, it is parsed or refused, and what is parsed has a last `**` and ordered variables", () => {
  const piece = fc.constantFrom(
    "/",
    "*",
    "**",
    "{",
    "}",
    "=",
    ":",
    "a",
    "b.c",
    "%2F",
    "%",
    ".",
    "é",
    "{x=",
    "{y}",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      let template: Template;
      try {
        template = parseTemplate(`/${pieces.join("")}`);
      } catch (error) {
        expect(reasonOf(error)).toBe("bad_template");
        return;
      }
      const { segments, variables } = template;
      expect(segments.length).toBeGreaterThan(0);
      expect(segments.slice(0, -1).some(({ kind }) => kind === "rest")).toBe(false);
      let from = 0;
      for (const it of variables) {
        expect(it.first).toBeGreaterThanOrEqual(from);
        expect(it.end).toBeGreaterThan(it.first);
        from = it.end;
      }
      expect(from).toBeLessThanOrEqual(segments.length);
    }),
    { numRuns: 2000 },
  );
});
