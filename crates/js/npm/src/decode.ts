/** The text of a chat stream that somebody else has fetched. */

import * as core from "#core";
import { enter, ready } from "./engine.ts";
import { enterRefusing } from "./errors.ts";

/** Decodes the body of a streamed chat completion to its text, a piece for each chunk that holds
 * any. A stream that ends without saying so, or reports an error, throws. */
export function decodeText(
  body: ReadableStream<Uint8Array>,
): AsyncIterableIterator<string, void, undefined> {
  return new TextPieces(body.getReader());
}

class TextPieces implements AsyncIterableIterator<string, void, undefined> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #decoder: core.Decoder | undefined;
  #isOver = false;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string, void>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    if (this.#decoder === undefined) return this.#begin();
    return this.#reader.read().then(this.#take, this.#fail);
  }

  return(): Promise<IteratorResult<string, void>> {
    this.#close();
    return this.#reader.cancel().then(() => ({ done: true, value: undefined }));
  }

  async #begin(): Promise<IteratorResult<string, void>> {
    await ready();
    this.#decoder = enter(() => new core.Decoder(false));
    return this.next();
  }

  readonly #take = ({
    done,
    value,
  }: ReadableStreamReadResult<Uint8Array>): Promise<IteratorResult<string, void>> | IteratorResult<string, void> => {
    const decoder = this.#decoder as core.Decoder;
    try {
      const text = enterRefusing(() => (done ? decoder.finish() : decoder.feed(value)));
      if (done) this.#close();
      return text === "" ? this.next() : { done: false, value: text };
    } catch (error) {
      this.#close();
      throw error;
    }
  };

  readonly #fail = (error: unknown): never => {
    this.#close();
    throw error;
  };

  #close(): void {
    this.#isOver = true;
    this.#decoder?.free();
    this.#decoder = undefined;
  }
}
