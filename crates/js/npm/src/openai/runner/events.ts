/** Something that runs by itself and tells its listeners. */

import { APIUserAbortError, KneepointError } from "../../errors.ts";

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

  /** Waits for the end. */
  async done(): Promise<void> {
    this.#isHeard = true;
    await this.#end;
  }

  /** Begins, once those who made it have had time to listen. @internal */
  _run(work: () => Promise<void>): void {
    setTimeout(() => void this.#work(work), 0);
  }

  async #work(work: () => Promise<void>): Promise<void> {
    try {
      await work();
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
  const message = reason instanceof Error ? reason.message : String(reason);
  return new KneepointError(message, { kind: "answer", cause: reason });
}
