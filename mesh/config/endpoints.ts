import { BadValue } from "./fields.ts";

/** Where services are, by name; several copies of one with `|` between, for `urlsOf`. */
export type Endpoints = Readonly<Record<string, string>>;

/** Reads `security=http://security:8008,order=http://a:8012|http://b:8012`. */
export function parseEndpoints(text: string): Endpoints {
  const entries = text.split(",").filter((it) => it.trim() !== "");
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = "", urls = ""] = entry.trim().split(/=(.*)/s);
      if (!name || !urlsOf(urls).every(isWeb)) {
        throw new BadValue(
          "must be name=url pairs such as security=http://security:8008, with commas between, and | between the urls of several copies",
        );
      }
      return [name, urls];
    }),
  );
}

/** The copies of one service, as they were written. */
export const urlsOf = (urls: string): readonly string[] => urls.split("|");

function isWeb(url: string): boolean {
  return URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
}
