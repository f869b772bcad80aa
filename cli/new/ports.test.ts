import { join } from "node:path";
import { expect, test } from "vitest";
import { loadCatalog, usualPort } from "../catalog.ts";
import { openWorkspace } from "../workspace.ts";
import { portsIn, portsOfContracts } from "./ports.ts";

test("a port is read in each form that an option may have, and nowhere else", () => {
  const contract = `
    service OneService {
      // option (mesh.v1.service).port = 1;
      option (mesh.v1.service) = {
        name: "one" /* port: 2 */
        port: 8101
        scopes: ["a:read"]
      };
      rpc Get(GetRequest) returns (GetResponse);
    }
    service OtherService { option ( mesh.v1.service ).port=8102; }
    service QuietService { option (mesh.v1.service).name = "quiet"; }
    message GetRequest { int32 port = 3; }`;
  expect(portsIn(contract)).toEqual([8101, 8102]);
});

test("every service of this checkout has its port among them", async () => {
  const workspace = openWorkspace();
  const ports = await portsOfContracts(join(workspace.root, "proto"));
  const services = await loadCatalog(workspace);
  expect(ports).toEqual(expect.arrayContaining(services.map(usualPort)));
});
