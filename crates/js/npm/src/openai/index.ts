/**
 * The drop-in: a client in the shape of OpenAI's SDK. Programs written for `openai` change their
 * import.
 *
 * @packageDocumentation
 */

import { runtime } from "#runtime";
import type { Client } from "../client.ts";
import { KneepointError } from "../errors.ts";
import { Kneepoint } from "../kneepoint.ts";
import { type CallOptions, type ClientOptions as Options, isCallOption, isClientOption } from "../options.ts";
import * as errors from "./error.ts";
import type { Received } from "./promise.ts";
import { callOf, type FinalRequestOptions, type RequestOptions } from "./request.ts";
import * as resources from "./resources.ts";

export * from "./error.ts";
export * from "./resources.ts";
export { Stream } from "./streaming.ts";

/** What a client is told: Kneepoint's options, read as OpenAI's SDK reads them. */
export interface ClientOptions extends Omit<Options, "timeout"> {
  /** Each attempt until its answer begins, in ms. Default: 600,000. */
  timeout?: number | undefined;
  /** Kept for programs that read it; nothing here uses it. */
  adminAPIKey?: string | null | undefined;
  /** Kept for programs that read it; nothing here uses it. */
  webhookSecret?: string | null | undefined;
}

const DEFAULT_TIMEOUT = 600_000;
const DEFAULT_RETRIES = 2;
const SILENCE_MAX = 120_000;

/** Options of OpenAI's SDK for parts of the API that are not here. */
const UNUSED = ["adminAPIKey", "webhookSecret"];

/** A client in the shape of OpenAI's SDK. */
export class OpenAI extends Kneepoint {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions = {}, /** @internal */ parent?: Client) {
    super(translated(options), parent);
    this.#options = options;
    const unknown = Object.keys(options).filter((name) => !isClientOption(name) && !UNUSED.includes(name));
    if (unknown.length > 0) {
      this._client.log.warn(`kneepoint: no option is called ${unknown.join(", ")}`);
    }
  }

  /** Where the endpoint is. */
  get baseURL(): string {
    return this._client.baseURL;
  }
  set baseURL(baseURL: string) {
    this.#change({ baseURL });
  }

  /** The key; `null` where there is none, or where a function is asked. */
  get apiKey(): string | null {
    const { apiKey } = this._client.options;
    return typeof apiKey === "string" ? apiKey : null;
  }
  set apiKey(apiKey: string | null) {
    this.#change({ apiKey });
  }

  /** Each attempt until its answer begins, in ms. */
  get timeout(): number {
    return this.#options.timeout ?? DEFAULT_TIMEOUT;
  }
  set timeout(timeout: number) {
    this.#change({ timeout });
  }

  /** Retries of one call. */
  get maxRetries(): number {
    return this.#options.maxRetries ?? DEFAULT_RETRIES;
  }
  set maxRetries(maxRetries: number) {
    this.#change({ maxRetries });
  }

  /** Sent as `openai-organization`. */
  get organization(): string | null {
    return this._client.options.organization ?? null;
  }

  /** Sent as `openai-project`. */
  get project(): string | null {
    return this._client.options.project ?? null;
  }

  /** How much is logged. */
  get logLevel(): Options["logLevel"] {
    return this._client.log.level;
  }

  /** The key of the administration, which nothing here uses. */
  get adminAPIKey(): string | null {
    return this.#options.adminAPIKey ?? runtime.variable("OPENAI_ADMIN_KEY") ?? null;
  }

  /** A client with some options changed, over the same connections. */
  override withOptions(options: ClientOptions): this {
    const Class = this.constructor as new (options: ClientOptions, parent: Client) => this;
    return new Class({ ...this.#options, ...options }, this._client);
  }

  /** The address of a path. `defaultBaseURL` counts where no other base was given. */
  buildURL(path: string, query?: Record<string, unknown> | null, defaultBaseURL?: string): string {
    const { baseURL: given, defaultQuery } = this._client.options;
    const base = (given ?? defaultBaseURL ?? this.baseURL).replace(/\/+$/, "");
    const url = new URL(/^https?:\/\//i.test(path) ? path : base + path);
    for (const [name, value] of Object.entries({ ...defaultQuery, ...query })) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.toString();
  }

  /** The request that would be sent, as `fetch` would be told. Nothing is sent. */
  async buildRequest(options: FinalRequestOptions): Promise<{ req: RequestInit; url: string; timeout: number }> {
    let told: { req: RequestInit; url: string } | undefined;
    const fetch = async (url: string, req: RequestInit): Promise<Response> => {
      told = { req, url };
      return Response.json({});
    };
    await this.withOptions({ fetch, maxRetries: 0 })._receive(options);
    return { ...(told as { req: RequestInit; url: string }), timeout: options.timeout ?? this.timeout };
  }

  /** @internal */
  override _call(options: RequestOptions): CallOptions | undefined {
    const call = callOf(options);
    if (call === undefined) return undefined;
    const { timeout, ...rest } = call;
    const unknown = Object.keys(rest).filter((name) => !isCallOption(name));
    if (unknown.length > 0) {
      this._client.log.warn(`kneepoint: no option of a call is called ${unknown.join(", ")}`);
      for (const name of unknown) delete (rest as Record<string, unknown>)[name];
    }
    return timeout === undefined ? rest : { attemptTimeout: timeout, ...rest };
  }

  /** @internal */
  override _receive(options: FinalRequestOptions): Promise<Received> {
    if (!/^https?:\/\//i.test(options.path)) return super._receive(options);
    const { origin, pathname, search } = new URL(options.path);
    const elsewhere = this.withOptions({ baseURL: origin });
    return elsewhere._receive({ ...options, path: pathname + search });
  }

  #change(options: ClientOptions): void {
    Object.assign(this.#options, options);
    this._replace(translated(this.#options));
  }

  /** This class, for those who hold it under another name. */
  static readonly OpenAI = this;
  /** Milliseconds that an attempt may take where nobody says otherwise. */
  static readonly DEFAULT_TIMEOUT = DEFAULT_TIMEOUT;
  static readonly OpenAIError = KneepointError;
  static readonly APIError = errors.APIError;
  static readonly APIConnectionError = errors.APIConnectionError;
  static readonly APIConnectionTimeoutError = errors.APIConnectionTimeoutError;
  static readonly APIUserAbortError = errors.APIUserAbortError;
  static readonly NotFoundError = errors.NotFoundError;
  static readonly ConflictError = errors.ConflictError;
  static readonly RateLimitError = errors.RateLimitError;
  static readonly BadRequestError = errors.BadRequestError;
  static readonly AuthenticationError = errors.AuthenticationError;
  static readonly InternalServerError = errors.InternalServerError;
  static readonly PermissionDeniedError = errors.PermissionDeniedError;
  static readonly UnprocessableEntityError = errors.UnprocessableEntityError;
}

/** The SDK's options in our words. */
function translated({ timeout = DEFAULT_TIMEOUT, ...options }: ClientOptions): Options {
  const known = Object.fromEntries(Object.entries(options).filter(([name]) => isClientOption(name)));
  const apiKey = options.apiKey === undefined ? runtime.variable("OPENAI_API_KEY") : options.apiKey;
  if (apiKey === undefined) {
    throw new KneepointError(
      "apiKey: found none, expected a key in the option apiKey or in the variable OPENAI_API_KEY",
      { kind: "config", option: "apiKey", phase: "queue" },
    );
  }
  return {
    attemptTimeout: timeout,
    // A stream that falls silent must not outlast what a whole answer may take.
    firstTokenTimeout: timeout,
    idleTimeout: Math.min(SILENCE_MAX, timeout),
    ...known,
    timeout: null,
  };
}

export declare namespace OpenAI {
  export type RequestOptions = resources.RequestOptions;
  export type ChatModel = resources.ChatModel;
  export type ChatCompletion = resources.ChatCompletion;
  export type ChatCompletionChunk = resources.ChatCompletionChunk;
  export type ChatCompletionMessage = resources.ChatCompletionMessage;
  export type ChatCompletionMessageParam = resources.ChatCompletionMessageParam;
  export type ChatCompletionMessageToolCall = resources.ChatCompletionMessageToolCall;
  export type ChatCompletionTool = resources.ChatCompletionTool;
  export type ChatCompletionCreateParams = resources.ChatCompletionCreateParams;
  export type ChatCompletionCreateParamsNonStreaming =
    resources.ChatCompletionCreateParamsNonStreaming;
  export type ChatCompletionCreateParamsStreaming = resources.ChatCompletionCreateParamsStreaming;
  export type Completion = resources.Completion;
  export type CompletionUsage = resources.CompletionUsage;
  export type CreateEmbeddingResponse = resources.CreateEmbeddingResponse;
  export type Embedding = resources.Embedding;
  export type EmbeddingCreateParams = resources.EmbeddingCreateParams;
  export type Model = resources.Model;
  export type FunctionDefinition = resources.FunctionDefinition;
  export type FunctionParameters = resources.FunctionParameters;
  /** The types of chat completions, under their longer names. */
  export namespace Chat {
    export type ChatCompletion = resources.ChatCompletion;
    export type ChatCompletionChunk = resources.ChatCompletionChunk;
    export type ChatCompletionMessage = resources.ChatCompletionMessage;
    export type ChatCompletionMessageParam = resources.ChatCompletionMessageParam;
    export type ChatCompletionMessageToolCall = resources.ChatCompletionMessageToolCall;
    export type ChatCompletionTool = resources.ChatCompletionTool;
    export type ChatCompletionToolChoiceOption = resources.ChatCompletionToolChoiceOption;
    export type ChatCompletionCreateParams = resources.ChatCompletionCreateParams;
    export type ChatCompletionCreateParamsNonStreaming =
      resources.ChatCompletionCreateParamsNonStreaming;
    export type ChatCompletionCreateParamsStreaming = resources.ChatCompletionCreateParamsStreaming;
    export import Completions = resources;
  }
}

export default OpenAI;
