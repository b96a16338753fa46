/**
 * The drop-in: a client in the shape of OpenAI's SDK. Programs written for `openai` change their
 * import.
 *
 * @packageDocumentation
 */

import type { Client } from "../client.ts";
import { KneepointError } from "../errors.ts";
import { Kneepoint } from "../kneepoint.ts";
import { type CallOptions, type ClientOptions as Options, isCallOption, type Logger } from "../options.ts";
import { Audio, Beta } from "./absent.ts";
import { AzureOpenAI } from "./azure.ts";
import { withBody } from "./body.ts";
import { Chat } from "./chat_helpers.ts";
import { Conversations } from "./conversations.ts";
import * as errors from "./error.ts";
import {
  checkTimeout,
  type ClientOptions,
  DEFAULT_RETRIES,
  DEFAULT_TIMEOUT,
  partsOf,
  placed,
  translated,
  unknownIn,
  variableFor,
} from "./options.ts";
import { toFile } from "./file.ts";
import type { StreamClass } from "../resources/item_stream.ts";
import { type AbstractPage, type PageClass, PagePromise } from "../resources/page.ts";
import type { Received } from "../resources/promise.ts";
import { callOf, type FinalRequestOptions, type RequestOptions } from "../resources/request.ts";
import * as resources from "./resources.ts";
import { Responses } from "./responses.ts";
import { Batches, Images, Moderations } from "./services.ts";
import { Stream } from "../resources/streaming.ts";
import * as chat from "./types/chat_names.ts";
import { addressOf, isAbsolute, withPath } from "../resources/url.ts";

export { AzureOpenAI };
export * from "./error.ts";
export type { ClientOptions } from "./options.ts";
export * from "./resources.ts";
export { Stream };

/** A client in the shape of OpenAI's SDK. */
export class OpenAI extends Kneepoint {
  /** What it was made with, and has been told since. @internal */
  declare readonly _options: ClientOptions;
  /** Clients for other addresses and keys, which requests may name. */
  readonly #others = new Map<string, this>();
  /** Those that were left behind when an option changed, while calls of theirs are under way. */
  #left: this[] = [];
  /** Options of calls that somebody has been told of. */
  readonly #told = new Set<string>();
  /** `POST /chat/completions`, with helpers */
  override readonly chat: Chat = new Chat(this);
  /** `POST /responses`, with helpers */
  override readonly responses: Responses = new Responses(this);
  /** `POST /conversations` */
  readonly conversations: Conversations = new Conversations(this);
  /** `POST /moderations` */
  readonly moderations: Moderations = new Moderations(this);
  /** `POST /images/generations` */
  readonly images: Images = new Images(this);
  /** `POST /batches` */
  readonly batches: Batches = new Batches(this);
  /** For libraries that look for something in it. @internal */
  readonly beta: Beta = new Beta(this);

  /** Where the endpoint is. */
  declare baseURL: string;
  /** Each attempt until its answer begins, in ms. */
  declare timeout: number;
  /** Retries of one call. */
  declare maxRetries: number;
  /** Sent as `openai-organization`. */
  declare organization: string | null;
  /** Sent as `openai-project`. */
  declare project: string | null;
  /** How much the logger is told. */
  declare logLevel: Options["logLevel"];
  /** The key; `null` where there is none, or where a function is asked. */
  declare apiKey: string | null;
  /** The key of the administration, for requests that ask for it. */
  declare adminAPIKey: string | null;
  /** Kept for programs that read it; nothing here uses it. */
  declare webhookSecret: string | null;
  /** Told what happens. */
  declare logger: Logger;
  /** Handed to `fetch` with each request. */
  declare fetchOptions: Record<string, unknown> | undefined;

  constructor(given: ClientOptions = {}, /** @internal */ parent?: Client) {
    const options = placed(given);
    super(translated(options), parent);
    Object.defineProperty(this, "_options", { value: { ...options }, configurable: true });
    this.#tell();
    const unknown = unknownIn(options);
    if (unknown.length > 0) {
      this._client.log.warn(`kneepoint: no option is called ${unknown.join(", ")}`);
    }
  }

  /** Its fields are its own, as those of OpenAI's SDK are: libraries copy clients field by field, and put proxies
   * around them, through which a prototype's accessors would not find what is private here. What holds a key, or
   * is large, is in no copy: nobody is to come upon it by printing one. */
  #tell(): void {
    const ofVariable = partsOf(undefined).search;
    const search = (baseURL = this._options.baseURL) => (baseURL === undefined ? ofVariable : partsOf(baseURL).search);
    const plain = {
      baseURL: () => this._client.baseURL + search(),
      timeout: () => this._options.timeout ?? DEFAULT_TIMEOUT,
      maxRetries: () => this._options.maxRetries ?? DEFAULT_RETRIES,
      organization: () => this._client.options.organization ?? null,
      project: () => this._client.options.project ?? null,
      logLevel: () => this._client.log.level,
    };
    const others = {
      apiKey: () => (typeof this._client.options.apiKey === "string" ? this._client.options.apiKey : null),
      adminAPIKey: () => variableFor(this._options.adminAPIKey, "OPENAI_ADMIN_KEY"),
      webhookSecret: () => variableFor(this._options.webhookSecret, "OPENAI_WEBHOOK_SECRET"),
      logger: () => this._options.logger ?? console,
      fetchOptions: () => this._options.fetchOptions,
    };
    for (const [name, get] of Object.entries({ ...plain, ...others })) {
      const set = (value: unknown): void => this.#change({ [name]: value });
      Object.defineProperty(this, name, { get, set, enumerable: name in plain, configurable: true });
    }
  }

  /** Fails what is under way, and closes connections. */
  override dispose(): void {
    for (const other of [...this.#left, ...this.#others.values()]) other.dispose();
    super.dispose();
  }

  /** A client with some options changed, over the same connections. */
  override withOptions(options: ClientOptions): this {
    const Class = this.constructor as new (options: ClientOptions, parent: Client) => this;
    return new Class({ ...this._options, ...placed(options) }, this._client);
  }

  /** The address of a path. `defaultBaseURL` counts where no other base was given. */
  buildURL(path: string, query?: Record<string, unknown> | null, defaultBaseURL?: string): string {
    const base = (!this._client.options.baseURL && defaultBaseURL) || this.baseURL;
    return addressOf(base, path, { ...this._options.defaultQuery, ...query });
  }

  /** A list of any path, in pages of a class of one's own or of one of ours. */
  getAPIList<Made extends AbstractPage<Item>, Item = ReturnType<Made["getPaginatedItems"]>[number]>(
    path: string,
    Class: PageClass<Made>,
    options?: RequestOptions | Promise<RequestOptions>,
  ): PagePromise<Made, Item> {
    const whole = (known?: RequestOptions): FinalRequestOptions => ({ method: "get", path, ...known });
    return this.requestAPIList(Class, options instanceof Promise ? options.then(whole) : whole(options));
  }

  /** A list that is asked for with any request. */
  requestAPIList<Made extends AbstractPage<Item>, Item = ReturnType<Made["getPaginatedItems"]>[number]>(
    Class: PageClass<Made>,
    options: FinalRequestOptions | Promise<FinalRequestOptions>,
  ): PagePromise<Made, Item> {
    return new PagePromise(this, Class, options);
  }

  /** The request that would be sent, as `fetch` would be told. Nothing is sent. */
  async buildRequest(options: FinalRequestOptions): Promise<{ req: RequestInit; url: string; timeout: number }> {
    let told: { req: RequestInit; url: string } | undefined;
    const fetch = async (url: string, req: RequestInit): Promise<Response> => {
      told = { req, url };
      return Response.json({ id: "none" });
    };
    const silence = { cache: false, dedupe: false, logLevel: "off", onAttempt: undefined } as const;
    const built = this.withOptions({ fetch, maxRetries: 0, ...silence });
    try {
      await built._receive(options);
    } catch (error) {
      // What was answered here is no stream, but the request has been seen.
      if (told === undefined) throw error;
    } finally {
      built.dispose();
    }
    return { ...(told as { req: RequestInit; url: string }), timeout: options.timeout ?? this.timeout };
  }

  /** @internal */
  override _call(options: RequestOptions): CallOptions | undefined {
    const call = callOf(options);
    if (call === undefined) return undefined;
    const { timeout, ...rest } = call;
    for (const [name, value] of Object.entries(rest)) {
      // Null is nothing said, as in OpenAI's SDK; nor is an empty key, which that one does not send.
      if (value === null || (name === "idempotencyKey" && value === "")) delete rest[name as keyof typeof rest];
    }
    const unknown = Object.keys(rest).filter((name) => !isCallOption(name));
    if (unknown.length > 0) this.#leaveOut(unknown, rest as Record<string, unknown>);
    if (timeout === undefined) return rest;
    checkTimeout(timeout);
    return { attemptTimeout: timeout, ...rest };
  }

  /** @internal */
  override _receive(options: FinalRequestOptions): Promise<Received> {
    try {
      return this.#elsewhere(options) ?? super._receive(options);
    } catch (error) {
      // Such as an address that is none.
      return Promise.reject(error as Error);
    }
  }

  /** @internal */
  override get _streamClass(): StreamClass {
    return Stream;
  }

  /** @internal */
  override _asSent(options: FinalRequestOptions): FinalRequestOptions {
    return withBody(withPath(options, this._options.defaultQuery));
  }

  /** Takes options away that no call has, and tells of each once: what a library hands to all calls, its user
   * cannot mend. Where it hands the client's own to them, nothing is lost. */
  #leaveOut(names: string[], call: Record<string, unknown>): void {
    const own = (name: string) => [undefined, this._options[name as keyof ClientOptions], this[name as keyof this]];
    const lost = names.filter((name) => !own(name).includes(call[name] as never) && !this.#told.has(name));
    for (const name of names) delete call[name];
    for (const name of lost) this.#told.add(name);
    if (lost.length > 0) this._client.log.warn(`kneepoint: no option of a call is called ${lost.join(", ")}`);
  }

  /** What another client is to send: with another key, or to another server. */
  #elsewhere(options: FinalRequestOptions): Promise<Received> | undefined {
    // What has been disposed of makes no clients any more, and says so.
    if (this._client.isDisposed) return undefined;
    const { path, defaultBaseURL, __security: keys } = options;
    if (keys?.adminAPIKeyAuth && !keys.bearerAuth) {
      const { __security: _, ...rest } = options;
      return this.#other({ apiKey: this.adminAPIKey })._receive(rest);
    }
    if (isAbsolute(path)) {
      const { origin, pathname, search } = new URL(path);
      return this.#other({ baseURL: origin })._receive({ ...options, path: pathname + search });
    }
    if (defaultBaseURL !== undefined && !this._client.options.baseURL) {
      return this.#other({ baseURL: defaultBaseURL })._receive(options);
    }
    return undefined;
  }

  /** The client that differs in this from this one; the same each time, so that it learns. */
  #other(options: Pick<ClientOptions, "apiKey" | "baseURL">): this {
    const name = JSON.stringify(options);
    const other = this.#others.get(name) ?? this.withOptions(options);
    this.#others.set(name, other);
    return other;
  }

  #change(options: ClientOptions): void {
    Object.assign(this._options, options);
    this.#left = [...this.#left, ...this.#others.values()].filter(({ _client }) => _client.isBusy);
    this.#others.clear();
    this._replace(translated(this._options));
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
  static readonly toFile = toFile;

  static {
    // The classes of the parts, for libraries that patch them to watch all clients. To the types their names are
    // namespaces.
    const { Completions, Embeddings, Models, ConversationCursorPage, CursorPage, Page } = resources;
    const parts = { Batches, Chat, Completions, Conversations, Embeddings, Images, Models, Moderations, Responses };
    const classes = { ...parts, Audio, ConversationCursorPage, CursorPage, Page };
    for (const Client of [this, AzureOpenAI]) Object.assign(Client, classes);
  }
}

export declare namespace OpenAI {
  export type Batch = resources.Batch;
  export type BatchCreateParams = resources.BatchCreateParams;
  export type BatchError = resources.BatchError;
  export type BatchListParams = resources.BatchListParams;
  export type BatchRequestCounts = resources.BatchRequestCounts;
  export type BatchesPage = resources.BatchesPage;
  export type ChatCompletion = resources.ChatCompletion;
  export type ChatCompletionAllowedToolChoice = resources.ChatCompletionAllowedToolChoice;
  export type ChatCompletionAllowedTools = resources.ChatCompletionAllowedTools;
  export type ChatCompletionAssistantMessageParam = resources.ChatCompletionAssistantMessageParam;
  export type ChatCompletionAudio = resources.ChatCompletionAudio;
  export type ChatCompletionAudioParam = resources.ChatCompletionAudioParam;
  export type ChatCompletionChunk = resources.ChatCompletionChunk;
  export type ChatCompletionContentPart = resources.ChatCompletionContentPart;
  export type ChatCompletionContentPartImage = resources.ChatCompletionContentPartImage;
  export type ChatCompletionContentPartInputAudio = resources.ChatCompletionContentPartInputAudio;
  export type ChatCompletionContentPartRefusal = resources.ChatCompletionContentPartRefusal;
  export type ChatCompletionContentPartText = resources.ChatCompletionContentPartText;
  export type ChatCompletionCreateParams = resources.ChatCompletionCreateParams;
  export type ChatCompletionCreateParamsNonStreaming = resources.ChatCompletionCreateParamsNonStreaming;
  export type ChatCompletionCreateParamsStreaming = resources.ChatCompletionCreateParamsStreaming;
  export type ChatCompletionCustomTool = resources.ChatCompletionCustomTool;
  export type ChatCompletionDeleted = resources.ChatCompletionDeleted;
  export type ChatCompletionDeveloperMessageParam = resources.ChatCompletionDeveloperMessageParam;
  export type ChatCompletionFunctionCallOption = resources.ChatCompletionFunctionCallOption;
  export type ChatCompletionFunctionMessageParam = resources.ChatCompletionFunctionMessageParam;
  export type ChatCompletionFunctionTool = resources.ChatCompletionFunctionTool;
  export type ChatCompletionListParams = resources.ChatCompletionListParams;
  export type ChatCompletionMessage = resources.ChatCompletionMessage;
  export type ChatCompletionMessageCustomToolCall = resources.ChatCompletionMessageCustomToolCall;
  export type ChatCompletionMessageFunctionToolCall = resources.ChatCompletionMessageFunctionToolCall;
  export type ChatCompletionMessageParam = resources.ChatCompletionMessageParam;
  export type ChatCompletionMessageToolCall = resources.ChatCompletionMessageToolCall;
  export type ChatCompletionModality = resources.ChatCompletionModality;
  export type ChatCompletionNamedToolChoice = resources.ChatCompletionNamedToolChoice;
  export type ChatCompletionNamedToolChoiceCustom = resources.ChatCompletionNamedToolChoiceCustom;
  export type ChatCompletionPredictionContent = resources.ChatCompletionPredictionContent;
  export type ChatCompletionReasoningEffort = resources.ChatCompletionReasoningEffort;
  export type ChatCompletionRole = resources.ChatCompletionRole;
  export type ChatCompletionStoreMessage = resources.ChatCompletionStoreMessage;
  export type ChatCompletionStreamOptions = resources.ChatCompletionStreamOptions;
  export type ChatCompletionSystemMessageParam = resources.ChatCompletionSystemMessageParam;
  export type ChatCompletionTokenLogprob = resources.ChatCompletionTokenLogprob;
  export type ChatCompletionTool = resources.ChatCompletionTool;
  export type ChatCompletionToolChoiceOption = resources.ChatCompletionToolChoiceOption;
  export type ChatCompletionToolMessageParam = resources.ChatCompletionToolMessageParam;
  export type ChatCompletionUpdateParams = resources.ChatCompletionUpdateParams;
  export type ChatCompletionUserMessageParam = resources.ChatCompletionUserMessageParam;
  export type ChatCompletionsPage = resources.ChatCompletionsPage;
  export type ChatModel = resources.ChatModel;
  export type Completion = resources.Completion;
  export type CompletionChoice = resources.CompletionChoice;
  export type CompletionCreateParams = resources.CompletionCreateParams;
  export type CompletionCreateParamsNonStreaming = resources.CompletionCreateParamsNonStreaming;
  export type CompletionCreateParamsStreaming = resources.CompletionCreateParamsStreaming;
  export type CompletionUsage = resources.CompletionUsage;
  export type CreateEmbeddingResponse = resources.CreateEmbeddingResponse;
  export type CursorPageParams = resources.CursorPageParams;
  export type Embedding = resources.Embedding;
  export type EmbeddingCreateParams = resources.EmbeddingCreateParams;
  export type EmbeddingModel = resources.EmbeddingModel;
  export type ErrorObject = resources.ErrorObject;
  export type FunctionDefinition = resources.FunctionDefinition;
  export type FunctionParameters = resources.FunctionParameters;
  export type Image = resources.Image;
  export type ImageGenCompletedEvent = resources.ImageGenCompletedEvent;
  export type ImageGenPartialImageEvent = resources.ImageGenPartialImageEvent;
  export type ImageGenStreamEvent = resources.ImageGenStreamEvent;
  export type ImageGenerateParams = resources.ImageGenerateParams;
  export type ImageGenerateParamsNonStreaming = resources.ImageGenerateParamsNonStreaming;
  export type ImageGenerateParamsStreaming = resources.ImageGenerateParamsStreaming;
  export type ImageModel = resources.ImageModel;
  export type ImagesResponse = resources.ImagesResponse;
  export type Metadata = resources.Metadata;
  export type Model = resources.Model;
  export type ModelDeleted = resources.ModelDeleted;
  export type Moderation = resources.Moderation;
  export type ModerationCreateParams = resources.ModerationCreateParams;
  export type ModerationCreateResponse = resources.ModerationCreateResponse;
  export type ModerationImageURLInput = resources.ModerationImageURLInput;
  export type ModerationModel = resources.ModerationModel;
  export type ModerationMultiModalInput = resources.ModerationMultiModalInput;
  export type ModerationTextInput = resources.ModerationTextInput;
  export type Reasoning = resources.Reasoning;
  export type ReasoningEffort = resources.ReasoningEffort;
  export type RequestOptions = resources.RequestOptions;
  export type ResponseFormatJSONObject = resources.ResponseFormatJSONObject;
  export type ResponseFormatJSONSchema = resources.ResponseFormatJSONSchema;
  export type ResponseFormatText = resources.ResponseFormatText;
  export type ResponsesModel = resources.ResponsesModel;
  export type CursorPage<Item extends { id?: string }> = resources.CursorPage<Item>;
  export type CursorPageResponse<Item> = resources.CursorPageResponse<Item>;
  export type Page<Item> = resources.Page<Item>;
  export type PageResponse<Item> = resources.PageResponse<Item>;
  /** The types of each part of the API, under their longer names. */
  export import Batches = resources;
  export import Chat = chat;
  export import Completions = resources;
  export import Conversations = resources;
  export import Embeddings = resources;
  export import Images = resources;
  export import Models = resources;
  export import Moderations = resources;
  export import Responses = resources;
}

export default OpenAI;
