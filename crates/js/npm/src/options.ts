/** What a client and a call may be told, and the check that nothing else is said. */

import { runtime } from "#runtime";
import { checkMethods, isObject, KneepointError, kindOf, refuse } from "./failure.ts";
import { check, type Kind } from "./kinds.ts";
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
  /** Where the endpoint is, without parameters, which are `defaultQuery`'s. Default: the provider's variable
   * of the environment, such as `OPENAI_BASE_URL`, or its own address. */
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
  /** Retries of one call. Default: 2 after trouble, 10 after refusals, and as many as fit into ten seconds where
   * a server that had just answered takes no connection. */
  maxRetries?: number | undefined;
  /** What the retries of one model's calls share: one after trouble costs 14, or nothing where no connection
   * came about; a success gives back. Default: 500, and as successes earn it, 14 for each request that may be
   * in flight. */
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
  /** Let equal calls in flight share one attempt; streams, and calls with `fetchOptions` of their own, do
   * not. Default: calls that use the cache. */
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
  /** Calls of higher priority leave the queue first. A whole number; default and least: 0. */
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

/** All levels, from the quietest on. */
export const LOG_LEVELS: readonly LogLevel[] = ["off", "error", "warn", "info", "debug"];

/** The kinds of a client's options. */
export const CLIENT: Record<keyof ClientOptions, Kind[]> = {
  provider: ["string"],
  baseURL: ["string", "null"],
  apiKey: ["string", "function", "null"],
  concurrency: ["size", "auto"],
  adaptive: ["boolean"],
  maxQueue: ["size"],
  maxRetries: ["count"],
  retryBudget: ["count"],
  timeout: ["time", "null"],
  attemptTimeout: ["time", "null"],
  firstTokenTimeout: ["time", "null"],
  idleTimeout: ["time", "null"],
  maxRetryWait: ["number"],
  atMostOnce: ["boolean"],
  hedge: ["boolean"],
  cache: ["boolean", "object"],
  dedupe: ["boolean"],
  fetch: ["function"],
  fetchOptions: ["object"],
  defaultHeaders: ["object", "pairs"],
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
  maxBytes: ["count"],
  waitUntil: ["function"],
};

const CALL: Record<keyof CallOptions, Kind[]> = {
  signal: ["signal", "null"],
  timeout: ["time"],
  attemptTimeout: ["time"],
  maxRetries: ["count"],
  headers: ["object", "pairs"],
  query: ["object"],
  idempotencyKey: ["string"],
  priority: ["count"],
  cache: ["boolean"],
  dedupe: ["boolean"],
  atMostOnce: ["boolean"],
  fetchOptions: ["object"],
};

/** Refuses options of a client that nobody knows, or of the wrong kind. */
export function checkClient(options: ClientOptions): void {
  check(options, CLIENT, "a client");
  const { cache, logger, logLevel } = options;
  if (logger !== undefined) {
    const expected = "an object with error, warn, info and debug, such as console";
    checkMethods("logger", logger, expected, "error", "warn", "info", "debug");
  }
  if (logLevel !== undefined && !LOG_LEVELS.includes(logLevel)) {
    throw refuse("logLevel", JSON.stringify(logLevel), `one of ${LOG_LEVELS.join(", ")}`);
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
  check(options, CALL, "a call", placeInClient);
}

/** What to do with an option of a client that is given to a call, where it would do nothing. */
export function placeInClient(name: string): string | undefined {
  return isClientOption(name) ? `it among the client's, as in withOptions({ ${name}: … })` : undefined;
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

/** Providers by name, and where they are: the module's presets once more, since it may not be loaded yet. Their
 * variables of the environment are looked for: `OPENAI_API_KEY`, `ANTHROPIC_BASE_URL` and so on. */
export const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ["openai", "https://api.openai.com/v1"],
  ["anthropic", "https://api.anthropic.com/v1"],
  ["fireworks", "https://api.fireworks.ai/inference/v1"],
]);

/** A client's options with what the environment adds. */
export function complete(options: ClientOptions): ClientOptions {
  checkClient(options);
  const provider = options.provider ?? "openai";
  const fill = <T>(value: T | undefined, name: string, known: readonly string[] = [...PROVIDERS.keys()]) =>
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

/** Refuses a key in a page, unless that is meant. */
export function checkPage({ apiKey, dangerouslyAllowBrowser }: ClientOptions): void {
  if (runtime.name === "browser" && apiKey && !dangerouslyAllowBrowser && isPage()) {
    throw new KneepointError(
      "apiKey: found a key in a page, where every visitor can read it. Put a server in between that " +
        "holds the key, or set dangerouslyAllowBrowser: true if this page is for yourself.",
      { kind: "config", option: "apiKey", phase: "queue" },
    );
  }
}

/** Whether a visitor could read what this script holds. */
function isPage(): boolean {
  return typeof document !== "undefined" || "importScripts" in globalThis;
}

/** The header fields of every request of a client, in turn. */
export function clientFields({ organization, project, defaultHeaders }: ClientOptions): (string | null)[] {
  const fields: (string | null)[] = [];
  if (organization) fields.push("openai-organization", organization);
  if (project) fields.push("openai-project", project);
  fieldsOf(defaultHeaders, fields);
  return fields;
}

/** Header fields as names and values in turn; `null` where one is to be taken away. */
export function fieldsOf(headers: HeaderOptions | undefined, into: (string | null)[]): void {
  if (headers === undefined) return;
  const entries: Iterable<unknown> = Symbol.iterator in headers ? headers : Object.entries(headers);
  for (const entry of entries) {
    if (!Array.isArray(entry)) throw refuse("headers", `${kindOf(entry)} among the pairs`, "a name and a value");
    const [name, value] = entry as [string, unknown];
    // A list of no values says nothing either.
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    if (value === null) into.push(name, null);
    else {
      const said = [value].flat().filter((one) => one !== undefined);
      into.push(name, said.map((one) => textOf("headers", name, one)).join(", "));
    }
  }
}

/** Parameters as names and values in turn. */
export function pairsOf(query: QueryOptions | undefined, into: string[]): void {
  for (const [name, value] of Object.entries(query ?? {})) {
    if (Array.isArray(value)) for (const one of value) into.push(name, textOf("query", name, one));
    else if (value !== undefined) into.push(name, textOf("query", name, value));
  }
}

/** How objects begin that nobody gave words to. */
const WORDLESS = "[object ";

/** A value as a text. Numbers and the like are told apart by types alone, which a program may do without; but
 * what has no words of its own, such as a promise that nobody waited for, was not meant. */
function textOf(option: string, name: string, value: unknown): string {
  if (typeof value === "string") return value;
  const isPlain = ["number", "boolean", "bigint"].includes(typeof value);
  const hasWords = isPlain || (isObject(value) && typeof value.toString === "function");
  const text = hasWords ? String(value) : WORDLESS;
  if (!text.startsWith(WORDLESS)) return text;
  throw refuse(option, `${kindOf(value)} in ${JSON.stringify(name)}`, "a text");
}
