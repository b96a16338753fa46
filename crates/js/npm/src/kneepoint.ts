/** The client as its users hold it. */

import { type BatchOptions, Batch } from "./batch.ts";
import type { Answer, Outcome } from "./call.ts";
import { Client, type Stats } from "./client.ts";
import { type ModuleSource, ready } from "./engine.ts";
import type { CallOptions, ClientOptions } from "./options.ts";
import { ask, type GenerateOptions, type Message } from "./prompt.ts";
import type { Timing, Usage } from "./record.ts";
import { TextStream } from "./stream.ts";

/** An answer, and what is known of the call that brought it. */
export interface Generated extends Answer {
  usage?: Usage;
  timing: Timing;
}

const CALL_OPTIONS = [
  "signal",
  "timeout",
  "maxRetries",
  "headers",
  "query",
  "idempotencyKey",
  "priority",
  "cache",
  "dedupe",
  "atMostOnce",
] as const satisfies (keyof CallOptions)[];

/** A client of one LLM endpoint. */
export class Kneepoint {
  /** @internal */
  readonly _client: Client;

  constructor(options: ClientOptions = {}, /** @internal */ parent?: Client) {
    this._client = new Client(options, parent?.transport);
  }

  /** Loads the wasm module ahead of the first call. `source` says where it is, where the default (a
   * file beside this one) is not right. */
  static ready(source?: ModuleSource | Promise<ModuleSource>): Promise<void> {
    return ready(source);
  }

  /** The same, for those who hold a client. */
  ready(): Promise<void> {
    return ready();
  }

  /** Asks for an answer. Fields that are not ours are handed on to the server. */
  async generate(
    prompt: string | readonly Message[],
    options: GenerateOptions & CallOptions,
  ): Promise<Generated> {
    const { path, body, call } = this.#ask(prompt, options, false);
    return generated(await this._client.send({ method: "POST", path, body }, call, true));
  }

  /** Asks for an answer piece by piece. */
  stream(prompt: string | readonly Message[], options: GenerateOptions & CallOptions): TextStream {
    const { path, body, call } = this.#ask(prompt, options, true);
    return new TextStream(this._client.stream({ method: "POST", path, body }, call, "text"));
  }

  /** Asks for many answers, bounded, each with its own outcome. */
  batch(
    prompts: Iterable<string | readonly Message[]> | AsyncIterable<string | readonly Message[]>,
    options: BatchOptions,
  ): Batch {
    return new Batch(this, prompts, options);
  }

  /** The figures of the moment. */
  stats(): Stats {
    return this._client.stats();
  }

  /** A client with some options changed, over the same connections. */
  withOptions(options: ClientOptions): this {
    const Class = this.constructor as new (options: ClientOptions, parent: Client) => this;
    return new Class({ ...this._client.options, ...options }, this._client);
  }

  /** Closes connections and fails what is under way. */
  dispose(): void {
    this._client.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #ask(
    prompt: string | readonly Message[],
    options: GenerateOptions & CallOptions,
    stream: boolean,
  ): { path: string; body: object; call: CallOptions | undefined } {
    const rest: Record<string, unknown> = { ...options };
    let call: Record<string, unknown> | undefined;
    for (const name of CALL_OPTIONS) {
      if (!(name in rest)) continue;
      call ??= {};
      call[name] = rest[name];
      delete rest[name];
    }
    return { ...ask(this._client.isAnthropic, prompt, rest as GenerateOptions, stream), call };
  }
}

function generated(outcome: Outcome): Generated {
  const { record, reply } = outcome;
  const { usage } = record;
  return {
    ...(outcome.answer as Answer),
    ...(usage === undefined ? {} : { usage }),
    timing: record.timing(reply?.reused),
  };
}
