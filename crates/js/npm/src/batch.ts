/** Many prompts as one: bounded, in order or as they finish, each with its own outcome. */

import type { KneepointError } from "./errors.ts";
import { isObject, kindOf, refuse } from "./failure.ts";
import type { Generated } from "./generated.ts";
import { tellHook } from "./hook.ts";
import { isSignal, listen, unlisten } from "./leave.ts";
import { checkObject } from "./kinds.ts";
import type { CallOptions } from "./options.ts";
import type { GenerateOptions, Message } from "./prompt.ts";

type Prompt = string | readonly Message[];
type Prompts = Iterable<Prompt> | AsyncIterable<Prompt>;
type Generate = (prompt: Prompt, options: GenerateOptions & CallOptions) => Promise<Generated>;

/** Asks one prompt. Never fails: an error is an outcome. */
type Run = (prompt: Prompt, index: number) => Promise<BatchItem>;

/** What a batch is told: what `generate` and its calls take, and how they are batched. */
export interface BatchOptions extends CallOptions {
  /** Whom to ask. */
  model: string;
  /** Calls that are begun and not yet handed out. The client's own limit decides how many of them
   * are sent at once. Default: 1000. */
  concurrency?: number;
  /** Results in the order of the prompts, or as they finish. Default: `"given"`. */
  order?: "given" | "finished";
  /** Called after each outcome. */
  onProgress?: (progress: Progress) => void;
  [field: string]: unknown;
}

/** How far a batch is. */
export interface Progress {
  /** Prompts that were taken up. */
  begun: number;
  /** Those with an answer. */
  succeeded: number;
  /** Those with an error. */
  failed: number;
}

/** One prompt's outcome: a value or an error. */
export type BatchItem =
  | { index: number; status: "fulfilled"; value: Generated; reason?: undefined }
  | { index: number; status: "rejected"; value?: undefined; reason: KneepointError };

const OPEN_MAX = 1000;

/** A batch. It runs while it is read, and can be read once. */
export class Batch implements AsyncIterable<BatchItem> {
  readonly progress: Progress = { begun: 0, succeeded: 0, failed: 0 };
  readonly #items: AsyncGenerator<BatchItem, void, undefined>;
  #isTaken = false;
  #settled: Promise<BatchItem[]> | undefined;

  /** @internal */
  constructor(generate: Generate, prompts: Prompts, told: BatchOptions) {
    check(prompts, told);
    const { concurrency = OPEN_MAX, order = "given", onProgress, signal, ...options } = told;
    const stop = new AbortController();
    const call = { ...options, signal: stop.signal } as GenerateOptions & CallOptions;
    const run: Run = async (prompt, index) => {
      this.progress.begun += 1;
      try {
        const value = await generate(prompt, call);
        this.progress.succeeded += 1;
        return { index, status: "fulfilled", value };
      } catch (reason) {
        this.progress.failed += 1;
        return { index, status: "rejected", reason: reason as KneepointError };
      } finally {
        tellHook(onProgress, { ...this.progress });
      }
    };
    // The source is not touched before somebody reads.
    const open = () => new Window(prompts, run, concurrency, order === "given");
    this.#items = outcomes(open, signal, stop);
  }

  [Symbol.asyncIterator](): AsyncIterator<BatchItem> {
    if (this.#isTaken) throw new TypeError("this batch is being read already; it can be read once");
    this.#isTaken = true;
    return this.#items;
  }

  /** Waits for all of them: the outcomes in the order of the prompts. */
  settled(): Promise<BatchItem[]> {
    return (this.#settled ??= this.#all());
  }

  async #all(): Promise<BatchItem[]> {
    const items: BatchItem[] = [];
    for await (const item of this) items[item.index] = item;
    return items;
  }
}

/** Refuses what would be paid for before anybody sees that it cannot be meant. */
function check(prompts: Prompts, options: BatchOptions): void {
  checkObject("options", options);
  const { concurrency = OPEN_MAX, order = "given", signal, onProgress } = options;
  if (!isObject(prompts) || !(Symbol.asyncIterator in prompts || Symbol.iterator in prompts)) {
    throw refuse("prompts", kindOf(prompts), "an array of prompts, or something else to iterate over");
  }
  if (!(Number.isInteger(concurrency) || concurrency === Infinity) || concurrency < 1) {
    throw refuse("concurrency", kindOf(concurrency), "a whole number from 1, or Infinity");
  }
  if (order !== "given" && order !== "finished") {
    throw refuse("order", typeof order === "string" ? JSON.stringify(order) : kindOf(order), '"given" or "finished"');
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw refuse("onProgress", kindOf(onProgress), "a function");
  }
  if (signal !== undefined && signal !== null && !isSignal(signal)) throw refuse("signal", kindOf(signal), "an AbortSignal or null");
}

/** Prompts under way, up to so many at once, and what came of them. A source that makes others wait for its
 * next prompt does not make them wait for results. */
class Window {
  readonly #source: Iterator<Prompt> | AsyncIterator<Prompt>;
  readonly #isAsync: boolean;
  readonly #run: Run;
  readonly #size: number;
  readonly #isOrdered: boolean;
  readonly #finished = new Map<number, BatchItem>();
  #begun = 0;
  #given = 0;
  #underWay = 0;
  #isAsking = false;
  /** Whether the source is not asked any more: it has ended or failed, or nobody wants more. */
  #isOver = false;
  #failure: { error: unknown } | undefined;
  #wake = (): void => {};

  constructor(prompts: Prompts, run: Run, size: number, isOrdered: boolean) {
    const isAsync = Symbol.asyncIterator in prompts;
    this.#isAsync = isAsync;
    this.#source = isAsync ? prompts[Symbol.asyncIterator]() : prompts[Symbol.iterator]();
    this.#run = run;
    this.#size = size;
    this.#isOrdered = isOrdered;
  }

  /** The next outcome; none after the last. Fails as the source did, once all that was begun is handed out. */
  async next(): Promise<BatchItem | undefined> {
    for (;;) {
      void this.#fill();
      const item = this.#isOrdered ? this.#finished.get(this.#given) : this.#finished.values().next().value;
      if (item !== undefined) {
        this.#finished.delete(item.index);
        this.#given += 1;
        return item;
      }
      if (this.#isOver && this.#underWay === 0) {
        if (this.#failure !== undefined) throw this.#failure.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** What is under way was taken back. An array's other prompts hear of it one by one; another source is not
   * asked for them, since it may wait for ever. */
  takenBack(): void {
    this.#isOver ||= this.#isAsync;
    this.#wake();
  }

  /** Lets the source go. */
  async leave(): Promise<void> {
    this.#isOver = true;
    // A source that is being asked hears of it after its answer, which may never come.
    const left = Promise.resolve(this.#source.return?.());
    if (this.#isAsking) left.catch(() => {});
    else await left;
  }

  async #fill(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (!this.#isOver && this.#underWay + this.#finished.size < this.#size) {
        const next = await this.#source.next();
        if (next.done) this.#isOver = true;
        // Nobody may want it any more either: the source was asked before they left.
        if (!this.#isOver) this.#begin(next.value as Prompt);
      }
    } catch (error) {
      this.#failure = { error };
      this.#isOver = true;
    }
    this.#isAsking = false;
    this.#wake();
  }

  #begin(prompt: Prompt): void {
    void this.#run(prompt, this.#begun).then((item) => {
      this.#underWay -= 1;
      this.#finished.set(item.index, item);
      this.#wake();
    });
    this.#underWay += 1;
    this.#begun += 1;
  }
}

/** Reads a window to its end. `stop` takes back what is under way: when `signal` says so, or nobody reads on. */
async function* outcomes(
  open: () => Window,
  signal: AbortSignal | null | undefined,
  stop: AbortController,
): AsyncGenerator<BatchItem, void, undefined> {
  const window = open();
  const leave = (): void => {
    stop.abort(signal?.reason);
    window.takenBack();
  };
  if (signal?.aborted) leave();
  else if (signal) listen(signal, leave);
  try {
    for (let item = await window.next(); item !== undefined; item = await window.next()) yield item;
  } finally {
    if (signal) unlisten(signal, leave);
    stop.abort();
    await window.leave();
  }
}
