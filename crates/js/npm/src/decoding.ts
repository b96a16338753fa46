/** Decodes bytes that somebody else has fetched. */

import * as core from "#core";
import { gathered } from "./bytes.ts";
import { enter, instance, ready } from "./engine.ts";
import { errorOf, type Told } from "./errors.ts";

/** A stream's decoder in the module. */
export class Decoding {
  readonly #decoder: core.Decoder;
  readonly #instance = instance();
  /** What stands between what chunks say. */
  readonly #separator: string;
  readonly #headers: Headers | undefined;
  #failure: Error | undefined;

  private constructor(data: boolean, headers: Headers | undefined) {
    this.#decoder = enter(() => new core.Decoder(data));
    this.#separator = data ? "," : "";
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

  /** What the next chunks say: their text, or the data of their events between commas. */
  feed(chunks: readonly Uint8Array[]): string {
    let said = "";
    for (const chunk of gathered(chunks)) {
      const text = this.#said(() => this.#decoder.feed(chunk));
      said += said === "" || text === "" ? text : this.#separator + text;
      if (this.#failure !== undefined) break;
    }
    return this.#unlessFailed(said);
  }

  /** What the end of the bytes says, and whether it may come here. */
  finish(): string {
    return this.#unlessFailed(this.#said(() => this.#decoder.finish()));
  }

  free(): void {
    // What is freed in another instance belongs to somebody else there.
    if (this.#instance === instance()) this.#decoder.free();
  }

  /** What work says, if need be before it fails. */
  #said(work: () => string): string {
    try {
      return enter(work, this.#instance);
    } catch (told) {
      if (told instanceof Error) throw told;
      this.#failure = errorOf(told as Told, undefined, this.#headers);
      return enter(() => this.#decoder.rest());
    }
  }

  /** What was said before a failure is handed out first. */
  #unlessFailed(said: string): string {
    if (this.#failure !== undefined && said === "") throw this.#failure;
    return said;
  }
}
