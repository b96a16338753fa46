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

/** A piece of a tool call. */
interface Piece {
  index?: number | undefined;
  id?: string | undefined;
  function?: { name?: string | undefined } | undefined;
}

/** Where the calls went whose number was another one's, by list and number. */
const moved = new WeakMap<object, Map<number, number>>();

/** The place of the call that a piece belongs to. Gemini numbers none of its calls, and proxies before it
 * number each of them 0: what names another call by another id is another call. */
export function placeOfCall(calls: readonly ({ id?: string } | undefined)[], piece: Piece): number {
  const { index, id } = piece;
  const named = index === undefined ? Math.max(calls.length - 1, 0) : placeOf("tool call", index);
  const place = moved.get(calls)?.get(named) ?? named;
  const known = calls[place];
  const isSame = id && known?.id ? id === known.id : index !== undefined;
  if (known === undefined || isSame || !piece.function?.name) return place;
  const next = placeOf("tool call", calls.length);
  if (index !== undefined) moved.set(calls, (moved.get(calls) ?? new Map()).set(index, next));
  return next;
}
