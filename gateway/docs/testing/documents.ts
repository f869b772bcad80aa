import type { DescService, JsonValue } from "@bufbuild/protobuf";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Binding } from "../../routing/binding.ts";
import { bindingsOf } from "../../routing/bindings-of.ts";
import type { OpenApiDocument, Operation } from "../document.ts";
import { openApiOf } from "../openapi.ts";
import type { RichMethod } from "./rich-contract.ts";
import { richContract } from "./rich-contract.ts";
import { ruledEnums, ruledMessages, ruledNames } from "./ruled-messages.ts";

export const realContracts: readonly DescService[] = [
  AuditService,
  PermissionService,
  ThreatService,
  TokenService,
  AuthService,
  TeamService,
  UserService,
];

/** The bindings of contracts that must have no fault. */
export function bound(...contracts: readonly DescService[]): Binding[] {
  const all = contracts.map(bindingsOf);
  const problems = all.flatMap((it) => it.problems);
  if (problems.length > 0) throw new Error(problems.join("; "));
  return all.flatMap((it) => it.bindings);
}

export const documentOf = (bindings: readonly Binding[]): OpenApiDocument =>
  openApiOf({ bindings, title: "Test", version: "1" });

/** A contract whose methods take and give each kind of ruled message. */
export const ruled = richContract({
  messages: ruledMessages,
  enums: ruledEnums,
  methods: ruledNames.map((name) => ({
    name: `Put${name}`,
    input: name,
    output: name,
    http: { put: `/v1/${name.toLowerCase()}`, body: "*" },
  })),
});

/** The operation of a contract that has this one method. */
export function operationOf(method: RichMethod, more: Partial<Parameters<typeof richContract>[0]> = {}) {
  const document = documentOf(bound(richContract({ ...more, methods: [method] }).contract));
  const [found] = operations(document);
  if (!found) throw new Error("the document has no operation");
  return { ...found, document };
}

export interface Placed {
  readonly path: string;
  readonly verb: string;
  readonly operation: Operation;
}

/** All operations of a document, those under our extension as well. */
export function operations({ paths }: OpenApiDocument): Placed[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([verb, it]): Placed[] =>
      verb === "x-additional-operations"
        ? Object.entries(it as Record<string, Operation>).map(([more, operation]) => ({
            path,
            verb: more,
            operation,
          }))
        : [{ path, verb, operation: it as Operation }],
    ),
  );
}

/** What a reference within the document leads to. */
export function resolve(document: OpenApiDocument, ref: string): unknown {
  const parts = ref.replace(/^#\//, "").split("/");
  return parts.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
}

export function references(value: JsonValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, it]) =>
    key === "$ref" && typeof it === "string" ? [it] : references(it),
  );
}
