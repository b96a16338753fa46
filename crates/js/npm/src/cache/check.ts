/** What stores are told, checked when they are made: nothing is sent to a store that is set up wrong. */

import { kindOf, refuse } from "../failure.ts";
import { checkObject } from "../kinds.ts";

/** Refuses what is no object of options, and names that none of them has. */
export function checkOptions(options: object, ...names: string[]): void {
  checkObject("options", options);
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw refuse(name, "a name that no option has", `one of ${names.join(", ")}`);
  }
}

/** A bound: a number above 0, or without end. */
export function bound(option: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && value > 0) return value;
  throw refuse(option, kindOf(value), "a number above 0");
}

/** What stands before all keys. Longer ones leave too little of the length that stores allow. */
export function prefixOf(value: unknown): string {
  if (value === undefined) return "kneepoint:";
  if (typeof value === "string" && value.length <= PREFIX_MAX) return value;
  throw refuse("prefix", typeof value === "string" ? `${value.length} characters` : kindOf(value), `a text of at most ${PREFIX_MAX}`);
}

/** Cloudflare KV takes keys of 512 bytes, of which the key itself needs 64. */
const PREFIX_MAX = 128;
