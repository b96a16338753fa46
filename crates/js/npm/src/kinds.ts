/** Kinds of values that options take, and the refusal of all others. */

import { isObject, kindOf, refuse, withArticle } from "./failure.ts";
import { isSignal } from "./leave.ts";

/** What kind of value an option takes. A number is one from 0 on, a time one above it; a count is a whole number
 * from 0, a size one from 1. An object has its values under their names, unlike arrays, maps and the like. */
export type Kind =
  | "number"
  | "time"
  | "count"
  | "size"
  | "string"
  | "boolean"
  | "function"
  | "object"
  | "list"
  | "pairs"
  | "null"
  | "auto"
  | "signal";

/** Refuses what holds no options at all. */
export function checkObject(name: string, options: unknown): void {
  if (!isOf("object", options)) throw refuse(name, kindOf(options), "an object");
}

/** Refuses names that are not `known`, and values of another kind. `elsewhere` says what to do with a name that
 * means something in another place. */
export function check(
  options: object,
  known: Record<string, Kind[]>,
  what: string,
  elsewhere?: (name: string) => string | undefined,
): void {
  checkObject("options", options);
  for (const [name, value] of Object.entries(options)) {
    const kinds = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kinds === undefined) {
      const place = elsewhere?.(name);
      if (place !== undefined && value === undefined) continue;
      if (place !== undefined) throw refuse(name, `it among the options of ${what}`, place);
      throw refuse(name, "a name that no option has", `one of the options of ${what}: ${nearest(name, known)}`);
    }
    if (value === undefined || kinds.some((kind) => isOf(kind, value))) continue;
    throw refuse(name, kindOf(value), kinds.map(words).join(" or "));
  }
}

function isOf(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case "null":
      return value === null;
    case "auto":
      return value === "auto";
    case "signal":
      return isSignal(value);
    case "number":
      return typeof value === "number" && value >= 0;
    case "time":
      return typeof value === "number" && value > 0;
    case "count":
      return isWhole(value, 0);
    case "size":
      return isWhole(value, 1);
    case "object":
      return isObject(value) && !(Symbol.iterator in value);
    case "list":
      return Array.isArray(value);
    case "pairs":
      return isObject(value) && Symbol.iterator in value;
    default:
      return typeof value === kind;
  }
}

function words(kind: Kind): string {
  switch (kind) {
    case "number":
      return "a number from 0";
    case "time":
      return "a number of milliseconds above 0";
    case "count":
      return wholeFrom(0);
    case "size":
      return wholeFrom(1);
    case "signal":
      return "an AbortSignal";
    case "list":
      return "an array";
    case "pairs":
      return "pairs of names and values";
    case "auto":
      return '"auto"';
    case "null":
      return kind;
    default:
      return withArticle(kind);
  }
}

/** The known name that is another only by its capitals, else all of them. */
function nearest(name: string, known: Record<string, Kind[]>): string {
  const same = Object.keys(known).filter((one) => one.toLowerCase() === name.toLowerCase());
  return (same.length > 0 ? same : Object.keys(known)).join(", ");
}

/** The module counts in 32 bits. */
const WHOLE_MAX = 2 ** 32 - 1;

function isWhole(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= WHOLE_MAX;
}

function wholeFrom(least: number): string {
  return `a whole number from ${least} to ${WHOLE_MAX.toLocaleString("en")}`;
}
