/** The text of a chat stream that somebody else has fetched. */

import * as core from "#core";
import { enter, ready } from "./engine.ts";
import { enterRefusing } from "./errors.ts";

/** Decodes the body of a streamed chat completion to its text, a piece for each chunk that holds
 * any. A stream that ends without saying so, or reports an error, throws. */
export function decodeText(
  body: ReadableStream<Uint8Array>,
): AsyncIterableIterator<string, void, undefined> {
  const reader = body.getReader();
  let decoder: core.Decoder | undefined;
  const close = (): void => {
    decoder?.free();
    decoder = undefined;
  };
  const next = async (): Promise<IteratorResult<string, void>> => {
    if (decoder === undefined) {
      await ready();
      decoder = enter(() => new core.Decoder(false));
    }
    for (;;) {
      const { done, value } = await reader.read();
      const text = enterRefusing(() => (done ? decoder?.finish() : decoder?.feed(value))) ?? "";
      if (done) close();
      if (text !== "") return { done: false, value: text };
      if (done) return { done: true, value: undefined };
    }
  };
  let isOver = false;
  const iterator: AsyncIterableIterator<string, void, undefined> = {
    async next() {
      if (isOver) return { done: true, value: undefined };
      try {
        const result = await next();
        isOver = result.done === true || decoder === undefined;
        return result;
      } catch (error) {
        isOver = true;
        close();
        throw error;
      }
    },
    async return() {
      isOver = true;
      close();
      await reader.cancel();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
