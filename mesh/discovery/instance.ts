import { isIP } from "node:net";
import { fail } from "../errors.ts";

/** One running copy of a service, as it announces itself. */
export interface Instance {
  /** Unique per start, so whoever starts again is somebody else. */
  readonly id: string;
  readonly service: string;
  /** Address others reach it at: an IP address (IPv6 without brackets) or a DNS name. */
  readonly host: string;
  readonly port: number;
  /** Of the platform. */
  readonly version: string;
  /** Its share of calls beside its siblings: 1 to 1000. Default: 100. */
  readonly weight: number;
  /** Hash of the descriptor set it serves. */
  readonly contracts: string;
  /** Does it speak the express lane? */
  readonly express: boolean;
}

export const defaultWeight = 100;

/** Longest encoded form that is read. */
const mostChars = 1024;
const servicePattern = /^[a-z][a-z0-9-]{0,62}$/;
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;
const hashPattern = /^[0-9a-f]{64}$/;
/** RFC 1123 §2.1 labels, with the underscore that container networks use. */
const dnsPattern =
  /^(?!.{254})[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;
/** A name of nothing but digits and dots is a mistyped address. */
const digitsPattern = /^[0-9.]+$/;
const nowhere = new Set(["0.0.0.0", "::"]);

export const isHost = (host: string): boolean =>
  isIP(host) ? !nowhere.has(host) : dnsPattern.test(host) && !digitsPattern.test(host);

const clampWeight = (weight: number): number => Math.min(1000, Math.max(1, Math.round(weight)));

/** Host and port as a URL has them: an IPv6 address stands in brackets (RFC 3986 §3.2.2). */
export const authorityOf = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Where an instance stands in the bucket. */
export const instanceKey = (service: string, id: string): string => `${service}.${id}`;

/** For an entry in the bucket. Throws when no reader would take it, which is for the start to find. */
export function encodeInstance(instance: Instance): string {
  const { id, service, host, port, version, weight, contracts, express } = instance;
  const text = JSON.stringify({ id, service, host, port, version, weight, contracts, express });
  const decoded = decodeInstance(instanceKey(service, id), text);
  if (typeof decoded === "string") {
    throw fail.invalid("bad_instance", `${service} cannot announce itself: ${decoded}`, {
      remedy: "correct the address or name it is given",
    });
  }
  return JSON.stringify(decoded);
}

/** Reads an entry of the bucket, which anybody who reaches the broker may have written. Gives what is wrong with a bad one. */
export function decodeInstance(key: string, text: string): Instance | string {
  if (text.length > mostChars) return "it is too long";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is not JSON";
  }
  if (typeof value !== "object" || value === null) return "it is not an object";
  const { id, service, host, port, version, weight, contracts, express } = value as Record<string, unknown>;
  if (typeof service !== "string" || !servicePattern.test(service)) return "service is not a name";
  if (typeof id !== "string" || !idPattern.test(id)) return "id is not an id";
  if (key !== instanceKey(service, id)) return "it stands under the key of another";
  if (typeof host !== "string" || !isHost(host)) return "host is neither an address nor a name";
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535)
    return "port is not between 1 and 65535";
  if (typeof version !== "string" || !versionPattern.test(version)) return "version is not a version";
  if (typeof weight !== "number" || !Number.isFinite(weight)) return "weight is not a number";
  if (typeof contracts !== "string" || !hashPattern.test(contracts)) return "contracts is not a hash";
  if (typeof express !== "boolean") return "express is neither true nor false";
  return { id, service, host, port, version, weight: clampWeight(weight), contracts, express };
}

export const isSameInstance = (a: Instance, b: Instance): boolean =>
  a.id === b.id &&
  a.service === b.service &&
  a.host === b.host &&
  a.port === b.port &&
  a.version === b.version &&
  a.weight === b.weight &&
  a.contracts === b.contracts &&
  a.express === b.express;
