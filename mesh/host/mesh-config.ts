import type { ClientPolicy } from "../client/client-policy.ts";
import { clientFields, clientPolicyOf } from "../client/client-policy.ts";
import type { Endpoints } from "../config/endpoints.ts";
import { parseEndpoints } from "../config/endpoints.ts";
import type { ConfigOf, Fields } from "../config/fields.ts";
import { BadValue, duration, field, flag, integer, oneOf, port, text, url } from "../config/fields.ts";
import type { Environment } from "../config/read.ts";
import { readConfig } from "../config/read.ts";
import { faultFields } from "../faults/fault-fields.ts";
import type { FaultsOptions } from "../faults/faults.ts";
import { checkFaultsAllowed } from "../faults/faults.ts";
import type { OtlpSettings } from "../telemetry/telemetry-fields.ts";
import { otlpSettings, serviceTraceRatio, telemetryFields } from "../telemetry/telemetry-fields.ts";

const postgresUrl = url("postgres", "postgresql");

/** The variables that every service has. */
export const meshFields = {
  WEFT_ENV: oneOf(
    "development",
    "production",
    "test",
  )("Where this runs; in production `weft token` makes up no users.", {
    fallback: "development",
  }),
  WEFT_HOST: text("Address to listen on; 0.0.0.0 for all.", { fallback: "127.0.0.1" }),
  DATABASE_URL: postgresUrl(
    "PostgreSQL server; each service uses its own database there, named <service>_service. Empty: `weft up` brings one.",
    { fallback: "", secret: true },
  ),
  NATS_URL: url("nats", "tls")("NATS server with JetStream. Empty: `weft up` brings one.", {
    fallback: "",
    secret: true,
  }),
  WEFT_NAMESPACE: field((value) => {
    if (!/^[a-z0-9]{0,32}$/.test(value)) throw new BadValue("up to 32 small letters and digits");
    return value;
  })("Keeps platforms apart that share one NATS server. Empty: there is only one.", { fallback: "" }),
  WEFT_EVENTS_REPLICAS: integer(1, 5)(
    "Servers of a NATS cluster that keep each event; 3 in production, so that one may be lost.",
    { fallback: "1" },
  ),
  WEFT_EVENTS_MAX_AGE: duration("How long streams keep events, for consumers that were away.", {
    fallback: "7d",
  }),
  WEFT_EVENTS_MAX_MB: integer(1, 1_000_000)(
    "Size in MB that one service's events may take in NATS; further ones wait in its outbox.",
    { fallback: "256" },
  ),
  WEFT_ENDPOINTS: field(parseEndpoints)(
    "Where other services are, as name=url,name=url (several copies: name=url|url); those not named are found by NATS.",
    {
      fallback: "",
    },
  ),
  WEFT_DISCOVERY: flag(
    "Whether instances announce themselves over NATS and find each other there; without it WEFT_ENDPOINTS and usual ports are all there is.",
    { fallback: "true" },
  ),
  WEFT_ADVERTISED_HOST: text(
    "Address at which other machines reach this one. Empty: WEFT_HOST, or the first outward address.",
    { fallback: "" },
  ),
  WEFT_WEIGHT: integer(1, 1000)("Share of the calls that this instance gets beside others of its service.", {
    fallback: "100",
  }),
  ...clientFields,
  WEFT_MAX_CALLS: integer(1, 100_000)(
    "Calls that a service answers at once, at most; below it the limit follows what it can do.",
    {
      fallback: "4096",
    },
  ),
  ...telemetryFields,
  ...faultFields,
  WEFT_KEYS_DIR: text(
    "Folder with <service>/key.json, the private keys of services, as `weft keys` makes it.",
    {
      fallback: ".weft/keys",
    },
  ),
  WEFT_REFLECTION: flag("Whether ports tell what they serve, for grpcurl and buf curl.", {
    fallback: "true",
  }),
  LOG_LEVEL: oneOf(
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "silent",
  )("Least important lines to log.", {
    fallback: "info",
  }),
  STARTUP_WAIT: duration("How long to wait for PostgreSQL and NATS at the start.", { fallback: "30s" }),
  SHUTDOWN_DELAY: duration("How long to report not-ready before connections are refused.", {
    fallback: "0s",
  }),
  SHUTDOWN_GRACE: duration("How long calls in flight may go on after SIGTERM.", { fallback: "20s" }),
};

/** What each service may have beside its own: `<SERVICE>` is its name in capitals. */
export const perServiceFields = {
  "<SERVICE>_PORT": port("Port of one service; PORT does the same for a service that is served alone.", {
    fallback: "",
  }),
  "<SERVICE>_DATABASE_URL": postgresUrl("Database of one service, exactly as written.", {
    fallback: "",
    secret: true,
  }),
  "<SERVICE>_TRACE_RATIO": serviceTraceRatio,
  WEFT_SERVICE_KEY_FILE: text("Private key of a service that is served alone, in place of WEFT_KEYS_DIR.", {
    fallback: "",
  }),
};

export interface MeshConfig {
  readonly development: boolean;
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string | undefined;
  readonly natsUrl: string;
  readonly namespace: string;
  readonly events: { readonly replicas: number; readonly maxAgeMs: number; readonly maxBytes: number };
  readonly endpoints: Endpoints;
  readonly discovery: boolean;
  readonly advertisedHost: string;
  readonly weight: number;
  readonly client: ClientPolicy;
  readonly maxCalls: number;
  readonly traceRatio: number;
  readonly accessLog: boolean;
  readonly otlp: OtlpSettings | undefined;
  readonly faults: FaultsOptions;
  readonly keyFile: string;
  readonly reflection: boolean;
  readonly logLevel: string;
  readonly startupWaitMs: number;
  readonly shutdownDelayMs: number;
  readonly shutdownGraceMs: number;
}

/** How the names of one service's variables begin: `order` → `ORDER`. */
export const envPrefix = (service: string): string => service.toUpperCase().replaceAll("-", "_");

const usualNats = "nats://127.0.0.1:4222";

/** Reads what concerns one service, its own variables included, so that all problems are told at once. */
export function readServiceConfig<F extends Fields>(
  service: string,
  usualPort: number,
  own: F,
  env: Environment,
): { config: MeshConfig; own: ConfigOf<F> } {
  const prefix = envPrefix(service);
  const portName = env[`${prefix}_PORT`] ? `${prefix}_PORT` : "PORT";
  const databaseName = `${prefix}_DATABASE_URL`;
  const ratioName = `${prefix}_TRACE_RATIO`;
  const perService = {
    [portName]: port("Port of this service.", { fallback: String(usualPort) }),
    [databaseName]: postgresUrl("Database of this service.", { fallback: "", secret: true }),
    [ratioName]: serviceTraceRatio,
  };
  const all: Fields = { ...own, ...perService, ...meshFields };
  const read: Readonly<Record<string, unknown>> = readConfig(all, env);
  const values = read as ConfigOf<typeof meshFields>;
  const production = values.WEFT_ENV === "production";
  checkFaultsAllowed(values.WEFT_FAULTS, production, values.WEFT_FAULTS_IN_PRODUCTION);
  const config: MeshConfig = {
    development: values.WEFT_ENV === "development",
    host: values.WEFT_HOST,
    port: Number(read[portName]),
    databaseUrl: (read[databaseName] as URL | undefined)?.href ?? databaseOn(values.DATABASE_URL, service),
    natsUrl: values.NATS_URL?.href ?? usualNats,
    namespace: values.WEFT_NAMESPACE,
    events: {
      replicas: values.WEFT_EVENTS_REPLICAS,
      maxAgeMs: values.WEFT_EVENTS_MAX_AGE,
      maxBytes: values.WEFT_EVENTS_MAX_MB * 1024 * 1024,
    },
    endpoints: values.WEFT_ENDPOINTS,
    discovery: values.WEFT_DISCOVERY,
    advertisedHost: values.WEFT_ADVERTISED_HOST,
    weight: values.WEFT_WEIGHT,
    client: clientPolicyOf(values),
    maxCalls: values.WEFT_MAX_CALLS,
    traceRatio: (read[ratioName] as number | undefined) ?? values.WEFT_TRACE_RATIO,
    accessLog: values.WEFT_ACCESS_LOG,
    otlp: otlpSettings(values),
    faults: { rules: values.WEFT_FAULTS, allowHeader: values.WEFT_ENV === "development" },
    keyFile: env.WEFT_SERVICE_KEY_FILE || `${values.WEFT_KEYS_DIR}/${service}/key.json`,
    reflection: values.WEFT_REFLECTION,
    logLevel: values.LOG_LEVEL,
    startupWaitMs: values.STARTUP_WAIT,
    shutdownDelayMs: values.SHUTDOWN_DELAY,
    shutdownGraceMs: values.SHUTDOWN_GRACE,
  };
  const ownValues = Object.fromEntries(Object.keys(own).map((name) => [name, read[name]]));
  return { config, own: ownValues as ConfigOf<F> };
}

/** The service's own database on a shared server. */
function databaseOn(server: URL | undefined, service: string): string | undefined {
  if (!server) return undefined;
  const own = new URL(server);
  own.pathname = `/${service.replaceAll("-", "_")}_service`;
  return own.href;
}
