/** Where a server wants something to be put. */

import { KneepointError } from "../../errors.ts";

/** Places that a list may have: more than any server uses. */
const PLACES_MAX = 128;

/** The index of a choice, a call or the like that a server names. A list must neither grow without bounds
 * nor be taken for an object with fields. */
export function placeOf(what: string, index: unknown): number {
  const place = index as number;
  if (Number.isInteger(index) && place >= 0 && place < PLACES_MAX) return place;
  throw new KneepointError(`the stream contains an invalid ${what} index: ${String(index)}`, { kind: "answer" });
}
