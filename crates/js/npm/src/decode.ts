/** The text of a chat stream that somebody else has fetched. */

import { Arrivals } from "./arrivals.ts";
import { Decoding } from "./decoding.ts";
import { checkMethods } from "./failure.ts";

/** Decodes the body of a streamed chat completion to its text, in pieces: each is what has arrived
 * since the last one was taken. A stream that ends without saying so, or reports an error, throws. */
export function decodeText(
  body: ReadableStream<Uint8Array>,
): AsyncIterableIterator<string, void, undefined> {
  checkMethods("body", body, "a ReadableStream of bytes, such as a response's body", "getReader");
  return new TextPieces(new Arrivals(body));
}

class TextPieces implements AsyncIterableIterator<string, void, undefined> {
  readonly #arrivals: Arrivals;
  #begun: Promise<Decoding> | undefined;
  #decoding: Decoding | undefined;
  #isOver = false;

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<string, void>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    if (this.#decoding === undefined) return this.#begin();
    if (this.#decoding.failure === undefined) return this.#arrivals.next().then(this.#take, this.#fail);
    return Promise.reject(this.#decoding.failure).catch(this.#fail);
  }

  return(): Promise<IteratorResult<string, void>> {
    this.#close();
    return this.#arrivals.cancel().then(() => ({ done: true, value: undefined }));
  }

  async #begin(): Promise<IteratorResult<string, void>> {
    this.#begun ??= Decoding.begin(false);
    this.#decoding = await this.#begun;
    return this.next();
  }

  readonly #take = (
    chunks: Uint8Array[] | undefined,
  ): Promise<IteratorResult<string, void>> | IteratorResult<string, void> => {
    const decoding = this.#decoding;
    if (decoding === undefined) return { done: true, value: undefined };
    try {
      const text = chunks === undefined ? decoding.finish() : decoding.feed(chunks);
      if (chunks === undefined && decoding.failure === undefined) this.#close();
      return text === "" ? this.next() : { done: false, value: text };
    } catch (error) {
      return this.#fail(error);
    }
  };

  readonly #fail = (error: unknown): never => {
    this.#close();
    // The rest of the body is not wanted.
    this.#arrivals.cancel().catch(() => {});
    throw error;
  };

  #close(): void {
    this.#isOver = true;
    this.#decoding?.free();
    this.#decoding = undefined;
  }
}
