/** A benchmark under way: awaited for its result, iterated for its progress, stopped at any time. */

import { runtime } from "#runtime";
import { transportOf } from "#transport";
import { enter, instance, ready, type Resident, settle } from "../engine.ts";
import { KneepointError } from "../errors.ts";
import { refuse } from "../failure.ts";
import { tellHook } from "../hook.ts";
import { Clock, keyFrom } from "../key.ts";
import { checkPage, clientFields, complete, pairsOf } from "../options.ts";
import type { ClientOptions } from "../options.ts";
import { Door } from "../transport/door.ts";
import type { Transport } from "../transport/transport.ts";
import type { RunOptions, TargetOptions } from "./options.ts";
import { clientOf } from "./plan.ts";
import type { Rung, Sample, Tick } from "./report.ts";

/** One side of a run, as the module reads it. */
export interface Side {
  client: object;
  target: string;
}

/** The work in the module. */
export interface Handle {
  stop(): void;
  free(): void;
}

/** Begins the work in the module. */
export type Begin = (door: Door, watch: object) => Handle;

/** Runs under way: the engine's notes of them are weak. */
const underWay = new Set<object>();

/** A benchmark under way. `await` it for the result, iterate it for the progress (the latest state,
 * at most five a second), and `stop()` it to have the result of what was measured so far. */
export class Run<T> implements PromiseLike<T>, AsyncIterable<Tick> {
  readonly #result: Promise<T>;
  #resolve!: (result: T) => void;
  #reject!: (error: Error) => void;
  #handle: Handle | undefined;
  #instance = -1;
  #transport: Transport | undefined;
  #isStopped = false;
  #isOver = false;
  #latest: Tick | undefined;
  #waiting: (() => void)[] = [];
  readonly #options: Pick<RunOptions, "onSample" | "onRung" | "signal">;
  /** What the engine knows of it, weakly. */
  readonly #resident: Resident = { reset: (error) => this.#reset(error) };
  readonly #stopBySignal = (): void => this.stop();

  /** @internal */
  constructor(
    options: Pick<RunOptions, "onSample" | "onRung" | "signal"> & ClientOptions,
    prepare: () => Promise<Begin>,
  ) {
    this.#options = options;
    this.#result = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever only iterates hears of a failure there.
    this.#result.catch(() => {});
    settle(this.#resident);
    underWay.add(this);
    void this.#start(options, prepare);
  }

  async #start(options: ClientOptions, prepare: () => Promise<Begin>): Promise<void> {
    try {
      const [begin] = await Promise.all([prepare(), ready()]);
      // A fault of the module has ended it before it began.
      if (this.#isOver) return;
      const { signal } = this.#options;
      signal?.addEventListener("abort", this.#stopBySignal);
      if (signal?.aborted) this.stop();
      this.#transport = transportOf(options);
      const transport = this.#transport;
      this.#handle = enterRefusing(() => begin(new Door(transport), this.#watch(transport, options)));
      this.#instance = instance();
      if (this.#isStopped) this.stop();
    } catch (error) {
      this.#end(() => this.#reject(error as Error));
    }
  }

  /** Ends the run: nothing more is sent, and what was measured becomes the result. */
  stop(): void {
    this.#isStopped = true;
    const handle = this.#handle;
    if (handle !== undefined) enter(() => handle.stop());
  }

  /** As of a promise: this makes it awaitable. */
  then<A = T, B = never>(
    onResult?: ((result: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onResult, onError);
  }

  /** As of a promise. */
  catch<B = never>(onError?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#result.catch(onError);
  }

  /** As of a promise. */
  finally(onEnd?: (() => void) | null): Promise<T> {
    return this.#result.finally(onEnd);
  }

  /** How it stands, whenever that changes; ends with the run, and throws where that failed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Tick, void, undefined> {
    let seen: Tick | undefined;
    for (;;) {
      const tick = this.#latest;
      if (tick !== undefined && tick !== seen) {
        seen = tick;
        yield tick;
      } else if (this.#isOver) {
        await this.#result;
        return;
      } else {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  /** The module's instance is gone. */
  #reset(error: KneepointError): () => void {
    this.#handle = undefined;
    const close = this.#transport?.reset();
    return () => {
      close?.();
      this.#end(() => this.#reject(error));
    };
  }

  /** What the module tells of the run. It must not be entered from any of these. */
  #watch(transport: Transport, options: ClientOptions): object {
    const { onSample, onRung } = this.#options;
    const cap = runtime.mostAtOnce(options.baseURL ?? "");
    return {
      wants_samples: onSample !== undefined,
      tick: (json: string) => {
        this.#latest = JSON.parse(json) as Tick;
        this.#wake();
      },
      sample: (json: string, measured: boolean) => {
        const tell = (sample: Sample): unknown => onSample?.(sample, measured);
        queueMicrotask(() => tellHook(tell, JSON.parse(json) as Sample));
      },
      rung: (json: string) => {
        queueMicrotask(() => tellHook(onRung, JSON.parse(json) as Rung));
      },
      connections: () => {
        const { opened, reused } = transport.connections();
        return JSON.stringify({ http: transport.protocol() ?? null, opened, reused, cap });
      },
      done: (json: string) => this.#end(() => this.#resolve(JSON.parse(json) as T)),
      failed: (reason: string) =>
        this.#end(() => this.#reject(new KneepointError(reason, { kind: "config" }))),
    };
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    underWay.delete(this);
    this.#options.signal?.removeEventListener?.("abort", this.#stopBySignal);
    const handle = this.#handle;
    this.#handle = undefined;
    // Samples that were told are handed on first; and the module must not be entered from inside it.
    queueMicrotask(() => {
      this.#transport?.reset()();
      this.#transport?.dispose();
      // What is freed in another instance belongs to somebody else there.
      if (handle !== undefined && this.#instance === instance()) enter(() => handle.free());
      tell();
      this.#wake();
    });
  }

  #wake(): void {
    for (const waiting of this.#waiting.splice(0)) waiting();
  }
}

/** One side, once its key is known. */
export async function sideOf(options: TargetOptions, target: string): Promise<Side> {
  const whole = complete(clientOf(options));
  checkPage(whole);
  const { apiKey, fetch: _, fetchOptions: __, defaultQuery, ...rest } = whole;
  const headers = clientFields(whole);
  if (headers.includes(null)) throw refuse("defaultHeaders", "null", "texts: a benchmark takes no field away");
  const query: string[] = [];
  pairsOf(defaultQuery, query);
  // A vault that never answers ends the run where a call would end.
  const never = new Promise<never>(() => {});
  const key = typeof apiKey === "function" ? await keyFrom(apiKey, new Clock(whole.timeout), never) : apiKey;
  return { client: { ...rest, headers, query, apiKey: key ?? undefined }, target };
}

/** Enters, and makes errors of refusals. That of `errors.ts` would bring all classes of errors along, and of them
 * none is met here. */
export function enterRefusing<T>(work: () => T): T {
  try {
    return enter(work);
  } catch (error) {
    if (error instanceof Error) throw error;
    throw new KneepointError((error as { reason: string }).reason, { kind: "config" });
  }
}
