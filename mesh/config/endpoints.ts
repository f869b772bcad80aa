import { BadValue } from "./fields.ts";

/** Where services are, by name. */
export type Endpoints = Readonly<Record<string, string>>;

/** Reads `security=http://security:8008,user=http://user:8001`. */
export function parseEndpoints(text: string): Endpoints {
  const entries = text.split(",").filter((it) => it.trim() !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = "", url = ""] = entry.trim().split(/=(.*)/s);
      const parsed = URL.canParse(url) ? new URL(url) : undefined;
      if (!name || !parsed || !["http:", "https:"].includes(parsed.protocol)) {
        throw new BadValue(
          "must be name=url pairs such as security=http://security:8008, with commas between",
        );
      }
      return [name, url];
    }),
  );
}
