import type { WireOutput } from "./wire-output.ts";

const zero = 48;
const dot = 46;
const minus = 45;

// Years 1 to 9999, as proto3 JSON bounds them.
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;
export const longestDuration = 315_576_000_000;
export const isTime = (seconds: number) => seconds >= firstSecond && seconds <= lastSecond;

/** The number that these digits make; -1 when one of them is no digit. */
function digits(source: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (source[at] as number) - zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Days from 1970-01-01 of the Gregorian calendar; years start in March, so that leap days come last. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const shifted = month <= 2 ? month + 9 : month - 3;
  const era = Math.floor(y / 400);
  const inEra = y - era * 400;
  const inYear = Math.floor((153 * shifted + 2) / 5) + day - 1;
  return era * 146_097 + inEra * 365 + Math.floor(inEra / 4) - Math.floor(inEra / 100) + inYear - 719_468;
}

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (monthDays[month - 1] ?? 0);
}

/** Seconds and nanoseconds as the fields 1 and 2, which Timestamp and Duration have alike. */
function writeFields(out: WireOutput, seconds: number, nanos: number): void {
  if (seconds !== 0) {
    out.bytes[out.at++] = 0x08;
    out.varint64(seconds | 0, Math.floor(seconds / 2 ** 32));
  }
  if (nanos !== 0) {
    out.bytes[out.at++] = 0x10;
    out.varint64(nanos | 0, nanos < 0 ? -1 : 0);
  }
}

/** Nanoseconds of one to nine digits of a fraction; -1 when they are none. */
function fraction(source: Buffer, from: number, to: number): number {
  const count = to - from;
  if (count < 1 || count > 9) return -1;
  return digits(source, from, to) * 10 ** (9 - count);
}

const is = (source: Buffer, at: number, letter: number) => source[at] === letter;

/** Writes a time of RFC 3339 as the content of a Timestamp; false when it is none. */
export function writeTimestamp(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  if (to - from < 20 || to - from > 35) return false;
  const year = digits(source, from, from + 4);
  const month = digits(source, from + 5, from + 7);
  const day = digits(source, from + 8, from + 10);
  const hour = digits(source, from + 11, from + 13);
  const minute = digits(source, from + 14, from + 16);
  const second = digits(source, from + 17, from + 19);
  const dashes = is(source, from + 4, minus) && is(source, from + 7, minus) && is(source, from + 10, 84);
  if (!dashes || !is(source, from + 13, 58) || !is(source, from + 16, 58)) return false;
  if (year < 1 || month < 1 || day < 1 || day > daysInMonth(year, month)) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  const zone = source[to - 1] === 90 ? to - 1 : to - 6;
  const offset = zone === to - 1 ? 0 : offsetOf(source, zone);
  let nanos = 0;
  if (zone > from + 19) nanos = is(source, from + 19, dot) ? fraction(source, from + 20, zone) : -1;
  if (nanos < 0 || zone < from + 19 || Number.isNaN(offset)) return false;
  const seconds = daysOf(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  if (!isTime(seconds)) return false;
  writeFields(out, seconds, nanos);
  return true;
}

/** Seconds east of Greenwich of `+hh:mm`. */
function offsetOf(source: Buffer, at: number): number {
  const sign = source[at] === 43 ? 1 : source[at] === minus ? -1 : Number.NaN;
  const hours = digits(source, at + 1, at + 3);
  const minutes = digits(source, at + 4, at + 6);
  if (source[at + 3] !== 58 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  return sign * (hours * 3600 + minutes * 60);
}

/** Writes `-1.5s` as the content of a Duration; false when it is none. */
export function writeDuration(out: WireOutput, source: Buffer, from: number, to: number): boolean {
  const negative = is(source, from, minus);
  const start = negative ? from + 1 : from;
  const point = source.subarray(start, to).indexOf(dot);
  const end = point < 0 ? to - 1 : start + point;
  if (to - start < 2 || source[to - 1] !== 115 || end === start || end - start > 12) return false;
  const seconds = digits(source, start, end);
  const nanos = point < 0 ? 0 : fraction(source, end + 1, to - 1);
  if (seconds < 0 || nanos < 0 || seconds > longestDuration || (seconds === longestDuration && nanos > 0)) {
    return false;
  }
  writeFields(out, negative ? -seconds : seconds, negative ? -nanos : nanos);
  return true;
}

function twoDigits(bytes: Buffer, at: number, value: number): void {
  bytes[at] = zero + ((value / 10) | 0);
  bytes[at + 1] = zero + (value % 10);
}

/** Nothing, or a dot and 3, 6 or 9 digits. */
export function fractionText(out: WireOutput, nanos: number): void {
  if (nanos === 0) return;
  const count = nanos % 1_000_000 === 0 ? 3 : nanos % 1000 === 0 ? 6 : 9;
  const { bytes, at } = out;
  bytes[at] = dot;
  let rest = nanos / 10 ** (9 - count);
  for (let i = count; i > 0; i -= 1) {
    bytes[at + i] = zero + (rest % 10);
    rest = (rest / 10) | 0;
  }
  out.at = at + 1 + count;
}

/** Writes a time of years 1 to 9999 in UTC. */
export function timestampText(out: WireOutput, seconds: number, nanos: number): void {
  const days = Math.floor(seconds / 86_400);
  const inDay = seconds - days * 86_400;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const inEra = shifted - era * 146_097;
  const yearOfEra =
    ((inEra - ((inEra / 1460) | 0) + ((inEra / 36_524) | 0) - ((inEra / 146_096) | 0)) / 365) | 0;
  const inYear = inEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const march = ((5 * inYear + 2) / 153) | 0;
  const month = march < 10 ? march + 3 : march - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  const { bytes, at } = out;
  twoDigits(bytes, at, (year / 100) | 0);
  twoDigits(bytes, at + 2, year % 100);
  bytes[at + 4] = minus;
  twoDigits(bytes, at + 5, month);
  bytes[at + 7] = minus;
  twoDigits(bytes, at + 8, inYear - (((153 * march + 2) / 5) | 0) + 1);
  bytes[at + 10] = 84;
  twoDigits(bytes, at + 11, (inDay / 3600) | 0);
  bytes[at + 13] = 58;
  twoDigits(bytes, at + 14, ((inDay / 60) | 0) % 60);
  bytes[at + 16] = 58;
  twoDigits(bytes, at + 17, inDay % 60);
  out.at = at + 19;
  fractionText(out, nanos);
  out.bytes[out.at++] = 90;
}
