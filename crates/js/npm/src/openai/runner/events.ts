/** Something that runs by itself and tells its listeners. */

import { APIUserAbortError, KneepointError } from "../../errors.ts";
import { Listening } from "./listening.ts";

/** What every run tells. */
export interface BaseEvents {
  /** The answer has begun. */
  connect: () => void;
  /** The run has failed. */
  error: (error: KneepointError) => void;
  /** The run was taken back. */
  abort: (error: APIUserAbortError) => void;
  /** Nothing will follow. */
  end: () => void;
}

type Listener = (...args: never[]) => void;

/** What a listener is told. */
type ArgsOf<F> = F extends (...args: infer Args) => void ? Args : never;

/** A run that tells of its events. */
export class EventStream<Events extends BaseEvents> {
  /** Aborting it takes the run back. */
  readonly controller = new AbortController();
  readonly #listeners = new Map<keyof Events, { listener: Listener; isOnce: boolean }[]>();
  readonly #end: Promise<void>;
  #settle!: { resolve(): void; reject(error: Error): void };
  #isHeard = false;
  #isEnded = false;
  #isErrored = false;
  #isAborted = false;

  constructor() {
    this.#end = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#end.catch(() => {});
  }

  /** Whether nothing will follow. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** Whether the run has failed. */
  get errored(): boolean {
    return this.#isErrored;
  }

  /** Whether it was taken back. */
  get aborted(): boolean {
    return this.#isAborted;
  }

  /** Takes the run back. */
  abort(): void {
    this.controller.abort();
  }

  /** Calls `listener` at each such event. */
  on<Name extends keyof Events>(name: Name, listener: Events[Name]): this {
    return this.#listen(name, listener as Listener, false);
  }

  /** Calls `listener` at the next such event. */
  once<Name extends keyof Events>(name: Name, listener: Events[Name]): this {
    return this.#listen(name, listener as Listener, true);
  }

  /** Calls `listener` no longer. */
  off<Name extends keyof Events>(name: Name, listener: Events[Name]): this {
    const listeners = this.#listeners.get(name) ?? [];
    const at = listeners.findIndex((one) => one.listener === (listener as Listener));
    if (at >= 0) listeners.splice(at, 1);
    return this;
  }

  /** The next such event: its argument, or all of them where there are several. */
  emitted<Name extends keyof Events>(name: Name): Promise<EventValue<Events, Name>> {
    this.#isHeard = true;
    return new Promise((resolve, reject) => {
      if (name !== "error") this.#listen("error", reject as Listener, true);
      const listener = (...args: unknown[]) =>
        resolve((args.length > 1 ? args : args[0]) as EventValue<Events, Name>);
      this.#listen(name, listener as Listener, true);
    });
  }

  /**
   * All such events from here on, each as the list of its arguments. It ends with the run, and throws
   * what the run fails with, unless that is what was asked for.
   */
  events<Name extends keyof Events>(name: Name): AsyncIterableIterator<ArgsOf<Events[Name]>> {
    return new Listening<ArgsOf<Events[Name]>>((tell, fail, end) => {
      const heard: [keyof Events, Listener][] = [
        [name, ((...args: unknown[]) => tell(args as ArgsOf<Events[Name]>)) as Listener],
        ["end", end],
      ];
      for (const bad of ["error", "abort"] as const) if (bad !== name) heard.push([bad, fail as Listener]);
      if (this.#isEnded) end();
      else for (const [event, listener] of heard) this.#listen(event, listener, false);
      return () => {
        for (const [event, listener] of heard) this.off(event, listener as Events[typeof event]);
      };
    });
  }

  /** Waits for the end. */
  async done(): Promise<void> {
    this.#isHeard = true;
    await this.#end;
  }

  /** Begins, once those who made it have had time to listen. @internal */
  _run(work: () => Promise<void>): void {
    setTimeout(() => void this.#work(work), 0);
  }

  /** Tells of what is known once all went well, before the end. @internal */
  protected _emitFinal(): void {}

  /** Takes the run back when this signal says so. @internal */
  protected _heed(signal: AbortSignal | null | undefined): void {
    const abort = (): void => this.controller.abort(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    this.on("end", (() => signal?.removeEventListener("abort", abort)) as Events["end"]);
  }

  async #work(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this._emitFinal();
      this._emit("end", ...([] as unknown as ArgsOf<Events["end"]>));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @internal */
  _emit<Name extends keyof Events>(name: Name, ...args: ArgsOf<Events[Name]>): void {
    if (this.#isEnded) return;
    if (name === "end") {
      this.#isEnded = true;
      this.#settle.resolve();
    }
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    this.#listeners.set(
      name,
      listeners.filter((one) => !one.isOnce),
    );
    for (const { listener } of listeners) listener(...(args as unknown[] as never[]));
  }

  #fail(reason: unknown): void {
    const error = asError(reason);
    this.#isErrored = true;
    this.#isAborted = error instanceof APIUserAbortError;
    const name = this.#isAborted ? "abort" : "error";
    // Nobody may overlook a failure.
    const isHeard = this.#isHeard || (this.#listeners.get(name)?.length ?? 0) > 0;
    if (!isHeard) void Promise.reject(error);
    this.#settle.reject(error);
    this._emit(name, ...([error] as unknown as ArgsOf<Events[typeof name]>));
    this._emit("end", ...([] as unknown as ArgsOf<Events["end"]>));
  }

  #listen(name: keyof Events, listener: Listener, isOnce: boolean): this {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, [{ listener, isOnce }]);
    else listeners.push({ listener, isOnce });
    return this;
  }
}

/** What an event's promise answers. */
export type EventValue<Events, Name extends keyof Events> = Events[Name] extends (
  ...args: infer Args
) => void
  ? Args extends []
    ? void
    : Args extends [infer Only]
      ? Only
      : Args
  : never;

function asError(reason: unknown): KneepointError {
  if (reason instanceof KneepointError) return reason;
  if ((reason as Error | null)?.name === "AbortError") return new APIUserAbortError();
  const message = reason instanceof Error ? reason.message : String(reason);
  return new KneepointError(message, { kind: "answer", cause: reason });
}
