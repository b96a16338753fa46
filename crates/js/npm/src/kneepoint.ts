/** The client as its users hold it. */

// `Symbol.dispose` is in no library but this one, and programs need not name it to have these types checked.
/// <reference lib="esnext.disposable" preserve="true" />

import { type BatchOptions, Batch } from "./batch.ts";
import { type Answer, StreamCall } from "./call.ts";
import { Client, type Stats } from "./client.ts";
import { ready } from "./engine.ts";
import { refuse } from "./failure.ts";
import { type Generated, generated } from "./generated.ts";
import { Chat } from "./resources/chat.ts";
import { Completions, Embeddings, Messages, Models, Responses } from "./resources/endpoints.ts";
import { ItemStream, type StreamClass } from "./resources/item_stream.ts";
import { APIPromise, type Received } from "./resources/promise.ts";
import { begin, callOf, type FinalRequestOptions, type HTTPMethod, type RequestOptions } from "./resources/request.ts";
import { checkObject } from "./kinds.ts";
import { type CallOptions, type ClientOptions, isCallOption, placeInClient } from "./options.ts";
import { ask, type GenerateOptions, type Message } from "./prompt.ts";
import type { ModuleSource } from "./runtime/source.ts";
import { TextStream } from "./stream.ts";

/** A client of one LLM endpoint. */
export class Kneepoint {
  /** @internal */
  readonly _client!: Client;
  /** `POST /chat/completions` */
  readonly chat: Chat = new Chat(this);
  /** `POST /completions` */
  readonly completions: Completions = new Completions(this);
  /** `POST /embeddings` */
  readonly embeddings: Embeddings = new Embeddings(this);
  /** `GET /models` */
  readonly models: Models = new Models(this);
  /** `POST /responses` */
  readonly responses: Responses = new Responses(this);
  /** `POST /messages`, as Anthropic has it */
  readonly messages: Messages = new Messages(this);

  /** A client with these options. What cannot be meant throws, and says what was expected. */
  constructor(options: ClientOptions = {}, /** @internal */ parent?: Client) {
    checkObject("options", options);
    this.#hold(new Client(options, parent));
  }

  /** Puts another client in place. @internal */
  _replace(options: ClientOptions): void {
    this.#hold(new Client(options, this._client, true));
  }

  /** It holds the key, so nobody comes upon it by printing this. */
  #hold(value: Client): void {
    Object.defineProperty(this, "_client", { value, enumerable: false, configurable: true });
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
    const outcome = await this._client.send({ method: "POST", path, body }, call, true);
    return generated(outcome.answer as Answer, outcome.record, outcome.reply);
  }

  /** Asks for an answer piece by piece. */
  stream(prompt: string | readonly Message[], options: GenerateOptions & CallOptions): TextStream {
    return new TextStream(this.#begun(prompt, options));
  }

  /** Sends a request with any method to any path under the base URL. */
  request<T>(options: FinalRequestOptions | Promise<FinalRequestOptions>): APIPromise<T> {
    const receiving =
      options instanceof Promise ? options.then((known) => this._receive(known)) : this._receive(options);
    return new APIPromise<T>(receiving);
  }

  /** Sends a `GET` to a path under the base URL. */
  get<T>(path: string, options?: RequestOptions | Promise<RequestOptions>): APIPromise<T> {
    return this.#send("get", path, options);
  }

  /** Sends a `POST`; its body is an option. */
  post<T>(path: string, options?: RequestOptions | Promise<RequestOptions>): APIPromise<T> {
    return this.#send("post", path, options);
  }

  /** Sends a `PUT`. */
  put<T>(path: string, options?: RequestOptions | Promise<RequestOptions>): APIPromise<T> {
    return this.#send("put", path, options);
  }

  /** Sends a `PATCH`. */
  patch<T>(path: string, options?: RequestOptions | Promise<RequestOptions>): APIPromise<T> {
    return this.#send("patch", path, options);
  }

  /** Sends a `DELETE`. */
  delete<T>(path: string, options?: RequestOptions | Promise<RequestOptions>): APIPromise<T> {
    return this.#send("delete", path, options);
  }

  #send<T>(
    method: HTTPMethod,
    path: string,
    options: RequestOptions | Promise<RequestOptions> | undefined,
  ): APIPromise<T> {
    const whole = (options?: RequestOptions) => ({ method, path, ...options });
    return this.request(options instanceof Promise ? options.then(whole) : whole(options));
  }

  /** @internal */
  _receive(options: FinalRequestOptions): Promise<Received> {
    return begin(this, options);
  }

  /** @internal */
  get _streamClass(): StreamClass {
    return ItemStream;
  }

  /** @internal */
  _asSent(options: FinalRequestOptions): FinalRequestOptions {
    return options;
  }

  /** The options of the call among those of a request. @internal */
  _call(options: RequestOptions): CallOptions | undefined {
    // Its parameters are read by their names, of which texts and the like have none.
    if (options.query) checkObject("query", options.query);
    return callOf(options);
  }

  /** Asks for many answers, bounded, each with its own outcome. */
  batch(
    prompts: Iterable<string | readonly Message[]> | AsyncIterable<string | readonly Message[]>,
    options: BatchOptions,
  ): Batch {
    return new Batch((prompt, call) => this.generate(prompt, call), prompts, options);
  }

  /** The figures of the moment. */
  stats(): Stats {
    return this._client.stats();
  }

  /** A client with some options changed. It shares this one's connections, unless it has another `fetch` or other
   * `fetchOptions`. */
  withOptions(options: ClientOptions): this {
    checkObject("options", options);
    const Class = this.constructor as new (options: ClientOptions, parent: Client) => this;
    const { options: known, given } = this._client;
    // The environment's key and the like are one provider's, and no other may see them.
    const isElsewhere = options.provider !== undefined && options.provider !== known.provider;
    return new Class({ ...(isElsewhere ? given : known), ...options }, this._client);
  }

  /** Fails what is under way, and closes connections. Those that it shares with the client that it was
   * made from stay open. */
  dispose(): void {
    this._client.dispose();
  }

  /** What JSON says of a client. Its parts know it in turn, which JSON cannot say. */
  toJSON(): object {
    return { baseURL: this._client.baseURL };
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The call of a stream. What it refuses is thrown to who reads it, whatever it is. */
  #begun(prompt: string | readonly Message[], options: GenerateOptions & CallOptions): StreamCall {
    try {
      const { path, body, call } = this.#ask(prompt, options, true);
      return this._client.stream({ method: "POST", path, body }, call, "text");
    } catch (error) {
      const call = new StreamCall();
      call.fail(error as Error);
      return call;
    }
  }

  /** The request for a prompt. Options that are about the call go with the call, the others to the server. */
  #ask(
    prompt: string | readonly Message[],
    options: GenerateOptions & CallOptions,
    stream: boolean,
  ): { path: string; body: object; call: CallOptions | undefined } {
    checkObject("options", options);
    const rest: Record<string, unknown> = { ...options };
    let call: Record<string, unknown> | undefined;
    for (const name of Object.keys(rest).filter(isCallOption)) {
      (call ??= {})[name] = rest[name];
      delete rest[name];
    }
    for (const name of Object.keys(rest)) {
      // Servers write their fields without capitals: nobody but us would look for such a one.
      const place = /[A-Z]/.test(name) ? placeInClient(name) : undefined;
      if (place !== undefined) throw refuse(name, "it among the options of a call", place);
    }
    return { ...ask(this._client.isAnthropic, prompt, rest as GenerateOptions, stream), call };
  }
}
