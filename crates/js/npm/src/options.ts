/** What a client and a call may be told, and the check that nothing else is said. */

import { runtime } from "#runtime";
import { checkMethods, isObject, kindOf, refuse, withArticle } from "./failure.ts";
import { isSignal } from "./leave.ts";
import type { AttemptTiming } from "./record.ts";
import type { FetchLike } from "./transport/transport.ts";

/** Header fields; `null` takes one of the defaults away. */
export type HeaderOptions =
  | Headers
  | Record<string, string | readonly string[] | null | undefined>
  | readonly (readonly [string, string | null])[];

/** Parameters of a URL. */
export type QueryOptions = Record<string, string | readonly string[] | undefined>;

/** A place for answers, such as those that `kneepoint/cache` makes. */
export interface CacheOptions {
  /** Where answers are kept. Default: memory. */
  store?: CacheStore;
  /** For how long, in milliseconds. Default: an hour. */
  ttl?: number;
  /** How long a call waits for the store before it goes on without, in ms. Default: 250. */
  maxWait?: number;
  /** Bytes that are kept where the store is memory. Default: 32 MiB. */
  maxBytes?: number;
  /** Told of each answer that is on its way into the store. Platforms may drop unfinished work when a
   * response is complete. Default: on Workers, their own `waitUntil`. */
  waitUntil?: (work: Promise<unknown>) => void;
}

/** Any store of texts. */
export interface CacheStore {
  /** What is kept under this name; `undefined` or `null` where nothing is, or its time is over. */
  get(key: string): Promise<string | null | undefined> | string | null | undefined;
  /** Keeps a text for so many milliseconds. */
  set(key: string, value: string, ttl: number): Promise<unknown> | unknown;
}

/** What a client is told once. */
export interface ClientOptions {
  /** `"openai"`, `"anthropic"`, `"fireworks"` or a base URL. Default: `"openai"`. */
  provider?: string | undefined;
  /** Where the endpoint is. Default: the provider's variable of the environment, such as
   * `OPENAI_BASE_URL`, or its own address. */
  baseURL?: string | null | undefined;
  /** The key, or a function that is asked for each call. Default: the provider's variable of the
   * environment; `null` sends none. */
  apiKey?: string | (() => string | Promise<string>) | null | undefined;
  /** How many requests may be in flight for each model: a ceiling, or found by itself. Default:
   * `"auto"`. */
  concurrency?: number | "auto" | undefined;
  /** Whether refusals shrink the working limit below the ceiling. Default: `true`. */
  adaptive?: boolean | undefined;
  /** Calls of one model that may wait for their turn. Default: 100,000. */
  maxQueue?: number | undefined;
  /** Retries of one call. Default: 2 after trouble, 10 after refusals. */
  maxRetries?: number | undefined;
  /** What the retries of one model's calls share: one after trouble costs 14, a success gives back.
   * Default: 500. */
  retryBudget?: number | undefined;
  /** The whole call, waiting and retries included, in ms. Default: 600,000; `null` for none. */
  timeout?: number | null | undefined;
  /** One attempt, in ms. Default: none. */
  attemptTimeout?: number | null | undefined;
  /** From dispatch to the first content of a stream, in ms. Default: none. */
  firstTokenTimeout?: number | null | undefined;
  /** Between two pieces of a stream's content, in ms. Default: 120,000; `null` for none. */
  idleTimeout?: number | null | undefined;
  /** The longest wait that a server may ask for, in ms; beyond it calls fail at once. Default:
   * 60,000. */
  maxRetryWait?: number | undefined;
  /** Never repeat what the server may have carried out already. Default: `false`. */
  atMostOnce?: boolean | undefined;
  /** Let a second attempt race one that is slow to answer. Default: `false`. */
  hedge?: boolean | undefined;
  /** Keep answers: `true` for memory. Default: `false`. */
  cache?: boolean | CacheOptions | undefined;
  /** Let equal calls in flight share one attempt; streams do not. Default: calls that use the
   * cache. */
  dedupe?: boolean | undefined;
  /** A function of `fetch`'s shape to send requests with. */
  fetch?: FetchLike | undefined;
  /** Handed to `fetch` with each request; on Node, `dispatcher` works without one too. */
  fetchOptions?: Record<string, unknown> | undefined;
  /** Header fields for every request. */
  defaultHeaders?: HeaderOptions | undefined;
  /** Parameters for every URL. */
  defaultQuery?: QueryOptions | undefined;
  /** Sent as `openai-organization`. Default: `OPENAI_ORG_ID`. */
  organization?: string | null | undefined;
  /** Sent as `openai-project`. Default: `OPENAI_PROJECT_ID`. */
  project?: string | null | undefined;
  /** Allow a key in a page, where every visitor can read it. Default: `false`. */
  dangerouslyAllowBrowser?: boolean | undefined;
  /** Told what happens. Default: `console`. */
  logger?: Logger | undefined;
  /** How much of it. Default: `OPENAI_LOG`, or `"warn"`. */
  logLevel?: LogLevel | undefined;
  /** Called after each attempt. */
  onAttempt?: ((attempt: AttemptEvent) => void) | undefined;
}

/** Four functions, as `console` has them. */
export interface Logger {
  error(message: string, ...rest: unknown[]): void;
  warn(message: string, ...rest: unknown[]): void;
  info(message: string, ...rest: unknown[]): void;
  debug(message: string, ...rest: unknown[]): void;
}

/** How much a logger is told: what a level names, and all that is worse. */
export type LogLevel = "off" | "error" | "warn" | "info" | "debug";

/** One attempt, under the names that OpenTelemetry gives to such things. */
export interface AttemptEvent extends AttemptTiming {
  "gen_ai.operation.name": string;
  "gen_ai.request.model": string;
  "gen_ai.usage.input_tokens"?: number;
  "gen_ai.usage.output_tokens"?: number;
  "server.address": string;
  "http.response.status_code"?: number;
  "error.type"?: string;
  /** Which attempt of its call it was, from 1 on. */
  attempt: number;
}

/** How one call differs. */
export interface CallOptions {
  /** Takes the call back. */
  signal?: AbortSignal | null | undefined;
  /** The whole call, waiting and retries included, in ms. Default: the client's. `null` is refused: for calls
   * without one, `withOptions({ timeout: null })` makes a client. */
  timeout?: number | undefined;
  /** Each attempt, in ms. Default: the client's; `null` is refused here too. */
  attemptTimeout?: number | undefined;
  /** Retries of this call. */
  maxRetries?: number | undefined;
  /** Header fields beside the client's; `null` takes one of those away. */
  headers?: HeaderOptions | undefined;
  /** Parameters of the URL; one of the client's of the same name gives way. */
  query?: QueryOptions | undefined;
  /** Sent as `idempotency-key`, the same with every attempt. */
  idempotencyKey?: string | undefined;
  /** Calls of higher priority leave the queue first. Default: 0. */
  priority?: number | undefined;
  /** Whether the client's cache may serve and keep this call. */
  cache?: boolean | undefined;
  /** Whether this call may share the attempt of an equal one. */
  dedupe?: boolean | undefined;
  /** Never repeat what the server may have carried out already. */
  atMostOnce?: boolean | undefined;
  /** Handed to `fetch` with this request, beside what the client hands to it. */
  fetchOptions?: Record<string, unknown> | undefined;
}

/** What kind of value an option takes. A number is one from 0 on. */
export type Kind = "number" | "string" | "boolean" | "function" | "object" | "null" | "auto" | "signal";

/** The kinds of a client's options. */
export const CLIENT: Record<keyof ClientOptions, Kind[]> = {
  provider: ["string"],
  baseURL: ["string", "null"],
  apiKey: ["string", "function", "null"],
  concurrency: ["number", "auto"],
  adaptive: ["boolean"],
  maxQueue: ["number"],
  maxRetries: ["number"],
  retryBudget: ["number"],
  timeout: ["number", "null"],
  attemptTimeout: ["number", "null"],
  firstTokenTimeout: ["number", "null"],
  idleTimeout: ["number", "null"],
  maxRetryWait: ["number"],
  atMostOnce: ["boolean"],
  hedge: ["boolean"],
  cache: ["boolean", "object"],
  dedupe: ["boolean"],
  fetch: ["function"],
  fetchOptions: ["object"],
  defaultHeaders: ["object"],
  defaultQuery: ["object"],
  organization: ["string", "null"],
  project: ["string", "null"],
  dangerouslyAllowBrowser: ["boolean"],
  logger: ["object"],
  logLevel: ["string"],
  onAttempt: ["function"],
};

const CACHE: Record<keyof CacheOptions, Kind[]> = {
  store: ["object"],
  ttl: ["number"],
  maxWait: ["number"],
  maxBytes: ["number"],
  waitUntil: ["function"],
};

const CALL: Record<keyof CallOptions, Kind[]> = {
  signal: ["signal", "null"],
  timeout: ["number"],
  attemptTimeout: ["number"],
  maxRetries: ["number"],
  headers: ["object"],
  query: ["object"],
  idempotencyKey: ["string"],
  priority: ["number"],
  cache: ["boolean"],
  dedupe: ["boolean"],
  atMostOnce: ["boolean"],
  fetchOptions: ["object"],
};

/** Refuses options of a client that nobody knows, or of the wrong kind. */
export function checkClient(options: ClientOptions): void {
  check(options, CLIENT, "client");
  const { cache, logger } = options;
  if (logger !== undefined) {
    const expected = "an object with error, warn, info and debug, such as console";
    checkMethods("logger", logger, expected, "error", "warn", "info", "debug");
  }
  if (typeof cache === "object") checkCache(cache);
}

function checkCache(cache: CacheOptions): void {
  check(cache, CACHE, "cache");
  if (cache.store !== undefined) {
    const expected = "an object with get and set, such as those that kneepoint/cache makes";
    checkMethods("store", cache.store, expected, "get", "set");
  }
}

/** The same for a call. */
export function checkCall(options: object): void {
  check(options, CALL, "call");
}

/** Whether a client has an option of this name. */
export function isClientOption(name: string): boolean {
  return Object.hasOwn(CLIENT, name);
}

/** Whether null says something of that option. */
export function takesNull(name: string): boolean {
  return CLIENT[name as keyof ClientOptions].includes("null");
}

/** Whether a call has an option of this name. */
export function isCallOption(name: string): boolean {
  return Object.hasOwn(CALL, name);
}

/** Refuses what holds no options at all. */
export function checkObject(name: string, options: unknown): void {
  if (!isObject(options) || Array.isArray(options)) throw refuse(name, kindOf(options), "an object");
}

/** Refuses names that are not `known`, and values of another kind. */
export function check(options: object, known: Record<string, Kind[]>, what: string): void {
  for (const [name, value] of Object.entries(options)) {
    const kinds = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kinds === undefined) {
      throw refuse(name, "a name that no option has", `one of ${what}'s options: ${nearest(name, known)}`);
    }
    if (value === undefined || kinds.some((kind) => isOf(kind, value))) continue;
    throw refuse(name, kindOf(value), kinds.map(words).join(" or "));
  }
}

function isOf(kind: Kind, value: unknown): boolean {
  if (kind === "null") return value === null;
  if (kind === "auto") return value === "auto";
  if (kind === "signal") return isSignal(value);
  if (kind === "number") return typeof value === "number" && value >= 0;
  return value !== null && typeof value === kind;
}

function words(kind: Kind): string {
  if (kind === "number") return "a number from 0";
  if (kind === "signal") return "an AbortSignal";
  return kind === "auto" ? '"auto"' : kind === "null" ? "null" : withArticle(kind);
}

/** The known name that is another only by its capitals, else all of them. */
function nearest(name: string, known: Record<string, Kind[]>): string {
  const same = Object.keys(known).filter((one) => one.toLowerCase() === name.toLowerCase());
  return (same.length > 0 ? same : Object.keys(known)).join(", ");
}

/** Providers by name, whose variables of the environment are looked for: `OPENAI_API_KEY`, `ANTHROPIC_BASE_URL`
 * and so on. */
export const PROVIDERS: readonly string[] = ["openai", "anthropic", "fireworks"];

/** A client's options with what the environment adds. */
export function complete(options: ClientOptions): ClientOptions {
  checkClient(options);
  const provider = options.provider ?? "openai";
  const fill = <T>(value: T | undefined, name: string, known = PROVIDERS) =>
    value === undefined && known.includes(provider) ? runtime.variable(`${provider.toUpperCase()}_${name}`) : value;
  return {
    ...options,
    provider,
    baseURL: fill(options.baseURL, "BASE_URL"),
    apiKey: fill(options.apiKey, "API_KEY"),
    organization: fill(options.organization, "ORG_ID", ["openai"]),
    project: fill(options.project, "PROJECT_ID", ["openai"]),
    // Calls with parameters of their own read it anew, and its owner may have changed it by then.
    defaultQuery: options.defaultQuery && { ...options.defaultQuery },
  };
}

/** Header fields as names and values in turn; `null` where one is to be taken away. */
export function fieldsOf(headers: HeaderOptions | undefined, into: (string | null)[]): void {
  if (headers === undefined) return;
  const entries = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const [name, value] of entries) {
    // A list of no values says nothing either.
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    // Numbers and the like are told apart by types alone, which a program may do without.
    into.push(name, value === null ? null : Array.isArray(value) ? value.join(", ") : String(value));
  }
}
