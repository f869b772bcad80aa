import type { DescService } from "@bufbuild/protobuf";
import { BadValue } from "../config/fields.ts";
import { serviceOf } from "../contract/options.ts";
import { fail } from "../errors.ts";

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

/** The name of the process that serves a contract, and where it is unless told otherwise. */
export function calleeOf(contract: DescService, endpoints: Endpoints): { name: string; url: string } {
  const service = serviceOf(contract);
  if (!service) {
    throw fail.precondition("bad_contract", `${contract.typeName} does not say which process serves it`, {
      remedy: "add option (mesh.v1.service) to it",
    });
  }
  return { name: service.name, url: endpoints[service.name] ?? `http://127.0.0.1:${service.port}` };
}
