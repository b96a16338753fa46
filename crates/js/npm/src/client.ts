/** What sends requests for the shapes that users see: one client of the module. */

import { runtime } from "#runtime";
import { transportOf } from "#transport";
import { Call, type Home, type Outcome, StreamCall, type Waiter } from "./call.ts";
import * as core from "#core";
import { Crowd } from "./crowd.ts";
import { enter, instance, lookAfter, type Resident, ready, readyNow, settle } from "./engine.ts";
import { enterRefusing, KneepointError } from "./errors.ts";
import { isObject, kindOf, refuse } from "./failure.ts";
import { tellHook } from "./hook.ts";
import { Clock, keyFrom } from "./key.ts";
import {
  type AttemptEvent,
  type CallOptions,
  type ClientOptions,
  checkCall,
  checkPage,
  clientFields,
  complete,
  fieldsOf,
  pairsOf,
  PROVIDERS,
} from "./options.ts";
import { type Log, loggerOf } from "./log.ts";
import { wired } from "./store.ts";
import { CallRecord } from "./record.ts";
import { Door } from "./transport/door.ts";
import type { BodyLike, Connections, Transport } from "./transport/transport.ts";
import { type Visit, within } from "./visit.ts";

/** One model's figures of the moment. Times in milliseconds, over the latest calls. */
export interface ModelStats {
  /** Its name; empty for calls that name none. */
  model: string;
  /** The working limit. */
  limit: number;
  /** Requests a second, where the server's limit is a rate. */
  rate?: number;
  /** Attempts that were sent and are not over. */
  inFlight: number;
  /** Calls that wait for their turn. */
  queued: number;
  /** What is left of the retry budget. */
  budgetLeft: number;
  /** The time to the first byte that half of the latest requests kept. */
  firstByteP50?: number;
  /** And 95 in a hundred. */
  firstByteP95?: number;
  /** The time that half of the latest calls took, waiting included. */
  callP50?: number;
  /** And 95 in a hundred. */
  callP95?: number;
}

/** A client's figures of the moment. */
export interface Stats {
  /** Calls that were asked for. */
  calls: number;
  /** Those that were answered. */
  succeeded: number;
  /** Those that failed. */
  failed: number;
  /** Calls that were taken back. */
  aborted: number;
  /** Attempts that were sent. */
  attempts: number;
  /** Those among them that were not the first of their call, hedges included. */
  retries: number;
  /** Attempts that were refused: throttled or overloaded. */
  refusals: number;
  /** For each model in use. */
  models: ModelStats[];
  /** What the platform tells of them. */
  connections: Connections;
}

/** How a request is made. */
export interface RequestInput {
  /** In either case. */
  method: string;
  path: string;
  /** What is sent as JSON; nothing where it is `undefined`. */
  body?: unknown;
  /** What is sent as it is, in place of that. */
  raw?: Exclude<BodyLike, string> | undefined;
}

export class Client implements Resident, Home {
  readonly options: ClientOptions;
  /** The same without what the environment adds. */
  readonly given: ClientOptions;
  readonly transport: Transport;
  /** Whether its connections are closed with this client, or with the one that it shares them with. */
  readonly #isOwner: boolean;
  #core: core.Core | undefined;
  #instance = -1;
  isDisposed = false;
  /** Tells the engine that it holds nothing any more. */
  readonly #leave: () => void;
  /** Calls under way. */
  readonly waiting: Crowd<Waiter>;
  /** Fields and parameters for every request, in turn; empty in most clients. */
  readonly #fields: readonly (string | null)[];
  readonly #query: string[] = [];
  /** What is said to the user's logger. */
  readonly log: Log;

  /** `before`: whose connections it shares, unless they differ in how they send. It may take that
   * one's place: then all that is under way there ends with this one. */
  constructor(options: ClientOptions, before?: Client, takesPlace = false) {
    this.given = options;
    this.options = complete(options);
    checkPage(this.options);
    const isAlike = (name: "fetch" | "fetchOptions") => before?.options[name] === options[name];
    const shared = isAlike("fetch") && isAlike("fetchOptions") ? before : undefined;
    this.transport = shared?.transport ?? transportOf(this.options);
    this.#isOwner = shared === undefined || (takesPlace && shared.#isOwner);
    this.waiting = (takesPlace && before?.waiting) || new Crowd<Waiter>();
    this.#fields = clientFields(this.options);
    pairsOf(this.options.defaultQuery, this.#query);
    this.log = loggerOf(this.options, this.baseURL);
    this.#leave = settle(this);
    // Where the module can be had at once, its verdict on the options can too.
    if (readyNow()) enterRefusing(() => this.#live());
  }

  /** Whether calls are under way. */
  get isBusy(): boolean {
    return this.waiting[Symbol.iterator]().next().done !== true;
  }

  get isAnthropic(): boolean {
    return this.options.provider === "anthropic";
  }

  get baseURL(): string {
    const { provider = "openai", baseURL } = this.options;
    return baseURL || (PROVIDERS.get(provider) ?? provider);
  }

  /** Sends a request and waits for the whole answer. */
  send(input: RequestInput, options?: CallOptions, wantsAnswer = false): Promise<Outcome> {
    const call = new Call(options?.signal);
    this.#begin(call, wantsAnswer ? core.Want.Answer : core.Want.Body, input, options);
    return call.promise;
  }

  /** Sends a request whose answer comes piece by piece: text, or the data of its events. */
  stream(input: RequestInput, options: CallOptions | undefined, wants: "text" | "data"): StreamCall {
    const call = new StreamCall(options?.signal);
    call.asksCache = Boolean(this.options.cache) && options?.cache !== false;
    this.#begin(call, wants === "text" ? core.Want.Text : core.Want.Data, input, options);
    return call;
  }

  /** What consoles show of it, even of what is hidden: no key. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Client of ${this.baseURL}`;
  }

  stats(): Stats {
    const counts = readyNow() && !this.isDisposed ? enter(() => this.#live().stats()) : NOTHING;
    return { ...(counts as Omit<Stats, "connections">), connections: this.transport.connections() };
  }

  /** Lets everything go. Calls under way fail as aborted; those of clients that share its connections
   * go on. */
  dispose(): void {
    this.isDisposed = true;
    for (const call of [...this.waiting]) call.abort();
    this.#core?.free();
    this.#core = undefined;
    this.#leave();
    if (this.#isOwner) this.transport.dispose();
  }

  settled(record: CallRecord | undefined, visit: Visit | undefined): void {
    if (record !== undefined && record.attempts > 1) within(visit, () => this.log.retried(record));
  }

  /** The module's instance is gone, and with it all exchanges. */
  reset(error: KneepointError): () => void {
    this.#core = undefined;
    const close = this.transport.reset();
    const failed = [...this.waiting];
    for (const call of failed) call.forgotten();
    return () => {
      close();
      for (const call of failed) call.fail(error);
    };
  }

  #begin(call: Call | StreamCall, want: core.Want, input: RequestInput, options?: CallOptions): void {
    try {
      if (this.isDisposed) {
        throw new KneepointError("this client has been disposed of", { kind: "disposed", phase: "queue" });
      }
      checkInput(input);
      if (options !== undefined) checkCall(options);
      if (call.isUnwanted) return call.abort();
      call.body = input.raw ?? written(input.body);
      call.fetchOptions = options?.fetchOptions && { ...options.fetchOptions };
      call.join(this, runtime.visit?.(this.#isShared(want, options), lookAfter));
      const outgoing = this.#outgoing(want, input, call.body, options);
      if (typeof this.options.apiKey !== "function" && readyNow()) this.#enter(call, want, outgoing);
      else void this.#beginLater(call, want, outgoing, options?.timeout);
    } catch (error) {
      call.fail(error as Error);
    }
  }

  async #beginLater(
    call: Call | StreamCall,
    want: core.Want,
    outgoing: Outgoing,
    timeout: number | undefined,
  ): Promise<void> {
    try {
      const { apiKey } = this.options;
      const asks = typeof apiKey === "function";
      const clock = new Clock(timeout ?? this.options.timeout);
      const [key] = await Promise.all([asks ? keyFrom(apiKey, clock, call.outcome) : undefined, ready()]);
      if (call.isOver) return;
      const wire = asks ? { ...outgoing.wire, apiKey: key, timeout: clock.left } : outgoing.wire;
      this.#enter(call, want, { ...outgoing, wire });
    } catch (error) {
      call.fail(error as Error);
    }
  }

  /** A request as the module is told of it. It is read when the call is made, whenever that can begin: its
   * caller may change the same objects for the next one. */
  #outgoing(
    want: core.Want,
    { method, path, body: said }: RequestInput,
    body: BodyLike | undefined,
    options: CallOptions | undefined,
  ): Outgoing {
    const wire = this.#wire(options);
    return { method, path, held: this.#isHeld(want, body, wire) ? outlineOf(said, body) : undefined, wire };
  }

  #enter(call: Call | StreamCall, want: core.Want, { method, path, held, wire }: Outgoing): void {
    if (call.isOver) return;
    const body = call.body as string;
    call.began(
      enterRefusing(() =>
        held === undefined
          ? this.#live().send(call, want, method, path, body, undefined, undefined, Number.NaN, wire)
          : this.#live().send(call, want, method, path, undefined, held.bytes, held.model, held.answerMax, wire),
      ),
    );
  }

  /** Whether others may come to wait for this call's answer too. */
  #isShared(want: core.Want, options: CallOptions | undefined): boolean {
    const isWhole = want === core.Want.Body || want === core.Want.Answer;
    return isWhole && options?.fetchOptions === undefined && (options?.dedupe ?? this.options.dedupe ?? Boolean(this.options.cache));
  }

  /** Whether the module need not see the body: it reads no answer in it, and gives it no name. */
  #isHeld(want: core.Want, body: BodyLike | undefined, wire: object | undefined): body is BodyLike {
    if (typeof body === "object") return true;
    const { cache, dedupe } = this.options;
    const named = cache || dedupe || (wire as CallOptions | undefined)?.dedupe;
    return want !== core.Want.Answer && body !== undefined && !named;
  }

  /** The module's side of this client, made anew where its instance is. */
  #live(): core.Core {
    if (this.#core === undefined || this.#instance !== instance()) {
      const { apiKey, cache, baseURL, ...rest } = this.options;
      const options = {
        ...rest,
        ...(baseURL ? { baseURL } : {}),
        ...(typeof apiKey === "string" ? { apiKey } : {}),
        ...(cache ? { cache: cache === true ? {} : wired(cache, this.log) } : {}),
        mostAtOnce: runtime.mostAtOnce(this.baseURL, this.options.concurrency),
      };
      const hooks = [this.options.onAttempt, this.log.attempted].filter((hook) => hook !== undefined);
      const watcher = hooks.length > 0 ? watcherOf(hooks) : undefined;
      this.#core = new core.Core(new Door(this.transport), watcher, options);
      this.#instance = instance();
    }
    return this.#core;
  }

  /** A call's options as the module reads them; nothing where there is nothing to say. */
  #wire(options: CallOptions | undefined): object | undefined {
    const fields = this.#fields;
    const query = this.#query;
    if (options === undefined && !fields.length && !query.length) return undefined;
    const { headers, query: more, signal: _, fetchOptions, ...rest } = options ?? {};
    // The module does not see those, which may hold a certificate or a proxy of its own.
    const alone = fetchOptions === undefined ? {} : { dedupe: false };
    const wire = { ...rest, ...alone, headers: [...fields], query: more ? [] : query };
    fieldsOf(headers, wire.headers);
    // A call's parameter takes the place of the client's.
    if (more) pairsOf({ ...this.options.defaultQuery, ...more }, wire.query);
    return wire;
  }
}

const METHODS = ["get", "post", "put", "patch", "delete"];

/** The module takes texts for texts, and would break over anything else. */
function checkInput({ method, path }: RequestInput): void {
  if (typeof path !== "string") throw refuse("path", kindOf(path), "a text that begins with /");
  if (typeof method === "string" && METHODS.includes(method.toLowerCase())) return;
  throw refuse("method", typeof method === "string" ? JSON.stringify(method) : kindOf(method), `one of ${METHODS.join(", ")}`);
}

function written(body: unknown): string | undefined {
  if (body === undefined || typeof body === "string") return body;
  try {
    return JSON.stringify(body);
  } catch (error) {
    throw refuse("body", (error as Error).message, "something that can be written as JSON");
  }
}

/** A request as the module is told of it. */
interface Outgoing {
  method: string;
  path: string;
  /** Missing where the module sees the body. */
  held: Outline | undefined;
  /** The call's options; nothing where there is nothing to say. */
  wire: object | undefined;
}

/** What steers the module of a body that it does not see. */
interface Outline {
  bytes: number;
  model: string | undefined;
  /** The longest answer in tokens; `NaN` where nobody says, since numbers cross over as numbers. */
  answerMax: number;
}

/** The outline of a body; none where it came as text, which only the module reads. */
function outlineOf(said: unknown, body: BodyLike): Outline | undefined {
  if (typeof body !== "string") return { bytes: 0, model: undefined, answerMax: Number.NaN };
  if (!isObject(said)) return undefined;
  const { model, max_tokens, max_completion_tokens, max_output_tokens } = said as Record<string, unknown>;
  const limits = [max_tokens, max_completion_tokens, max_output_tokens];
  return {
    bytes: body.length,
    model: typeof model === "string" ? model : undefined,
    answerMax: limits.find((limit) => typeof limit === "number") ?? Number.NaN,
  };
}

/** Hooks as the module calls them: later, since they may do anything, and in the context of the call. */
function watcherOf(hooks: ((attempt: AttemptEvent) => void)[]): object {
  return {
    attempt(index: number, times: Float64Array, errors: string | undefined, words: string, { visit }: Call | StreamCall) {
      const record = new CallRecord(times, errors);
      const tell = (hook: (attempt: AttemptEvent) => void): void => tellHook(hook, eventOf(record, index, words));
      for (const hook of hooks) queueMicrotask(() => within(visit, () => tell(hook)));
    },
  };
}

function eventOf(record: CallRecord, index: number, words: string): AttemptEvent {
  const [operation = "", host = "", model = ""] = words.split("\n");
  const timing = record.attempt(index);
  const { inputTokens, outputTokens } = record.usage ?? {};
  return {
    ...timing,
    attempt: index + 1,
    "gen_ai.operation.name": operation,
    "gen_ai.request.model": model,
    "server.address": host,
    ...(inputTokens === undefined ? {} : { "gen_ai.usage.input_tokens": inputTokens }),
    ...(outputTokens === undefined ? {} : { "gen_ai.usage.output_tokens": outputTokens }),
    ...(timing.status === undefined ? {} : { "http.response.status_code": timing.status }),
    ...(timing.error === undefined ? {} : { "error.type": timing.error }),
  };
}

const NOTHING = {
  calls: 0,
  succeeded: 0,
  failed: 0,
  aborted: 0,
  attempts: 0,
  retries: 0,
  refusals: 0,
  models: [],
};
