/** Decodes bytes that somebody else has fetched. */

import * as core from "#core";
import { enter, instance, ready } from "./engine.ts";
import { errorOf, type Told } from "./errors.ts";

/** A stream's decoder in the module. */
export class Decoding {
  readonly #decoder: core.Decoder;
  readonly #instance = instance();
  readonly #headers: Headers | undefined;
  #failure: Error | undefined;

  private constructor(data: boolean, headers: Headers | undefined) {
    this.#decoder = enter(() => new core.Decoder(data));
    this.#headers = headers;
  }

  /** A decoder of text or, with `data`, of the data of events. Errors name the reply's `headers`. */
  static async begin(data: boolean, headers?: Headers): Promise<Decoding> {
    await ready();
    return new Decoding(data, headers);
  }

  /** What is wrong with the stream, where something was said before it: nothing follows but this. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** What the next chunk says: its text, or the data of its events between commas. */
  feed(chunk: Uint8Array): string {
    return this.#said(() => this.#decoder.feed(chunk));
  }

  /** What the end of the bytes says, and whether it may come here. */
  finish(): string {
    return this.#said(() => this.#decoder.finish());
  }

  free(): void {
    // What is freed in another instance belongs to somebody else there.
    if (this.#instance === instance()) this.#decoder.free();
  }

  #said(work: () => string): string {
    try {
      return enter(work, this.#instance);
    } catch (told) {
      if (told instanceof Error) throw told;
      const before = enter(() => this.#decoder.rest());
      this.#failure = errorOf(told as Told, undefined, this.#headers);
      if (before === "") throw this.#failure;
      return before;
    }
  }
}
