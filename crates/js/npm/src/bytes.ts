/** The bytes of bodies that somebody else has fetched. */

import { KneepointError } from "./failure.ts";

/** A piece of a body, which may have been made by hand. */
export function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (typeof chunk === "string") return new TextEncoder().encode(chunk);
  throw new KneepointError("this stream holds something that is neither bytes nor text", {
    kind: "stream",
  });
}

/** Bytes that are put together at most, so that the processor still has all of them at hand. */
const GATHERED_MAX = 64 << 10;

/** Where they are put together: a place of their own each time would cost more than to decode them. */
let place: Uint8Array | undefined;

/** The bytes of chunks in as few pieces as may be, each of which holds until the next one is asked for. */
export function* gathered(chunks: readonly Uint8Array[]): Generator<Uint8Array, void, undefined> {
  if (chunks.length < 2) return yield* chunks.map(bytesOf);
  place ??= new Uint8Array(GATHERED_MAX);
  let length = 0;
  for (const chunk of chunks) {
    const bytes = bytesOf(chunk);
    if (length + bytes.length > GATHERED_MAX) {
      if (length > 0) yield place.subarray(0, length);
      length = 0;
    }
    if (bytes.length > GATHERED_MAX) yield bytes;
    else {
      place.set(bytes, length);
      length += bytes.length;
    }
  }
  if (length > 0) yield place.subarray(0, length);
}
