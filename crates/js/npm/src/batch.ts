/** Many prompts as one: bounded, in order or as they finish, each with its own outcome. */

import type { KneepointError } from "./errors.ts";
import { isObject, kindOf, refuse } from "./failure.ts";
import type { Generated } from "./generated.ts";
import { tellHook } from "./hook.ts";
import { isSignal, listen, unlisten } from "./leave.ts";
import { type CallOptions, checkObject } from "./options.ts";
import type { GenerateOptions, Message } from "./prompt.ts";

type Prompt = string | readonly Message[];
type Prompts = Iterable<Prompt> | AsyncIterable<Prompt>;
type Generate = (prompt: Prompt, options: GenerateOptions & CallOptions) => Promise<Generated>;

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
    const run = async (prompt: Prompt, index: number): Promise<BatchItem> => {
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
    this.#items = windowed(prompts, run, concurrency, order === "given", signal, stop);
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
  const { concurrency = OPEN_MAX, order = "given", signal } = options;
  if (!isObject(prompts) || !(Symbol.asyncIterator in prompts || Symbol.iterator in prompts)) {
    throw refuse("prompts", kindOf(prompts), "an array of prompts, or something else to iterate over");
  }
  if (typeof concurrency !== "number" || !(concurrency >= 1)) {
    throw refuse("concurrency", kindOf(concurrency), "a number from 1");
  }
  if (order !== "given" && order !== "finished") {
    throw refuse("order", JSON.stringify(order), '"given" or "finished"');
  }
  if (signal && !isSignal(signal)) throw refuse("signal", kindOf(signal), "an AbortSignal or null");
}

/** Keeps up to `open` runs under way, and hands out their results. A source that makes others wait for
 * its next prompt does not make them wait for results. `stop` takes back what is under way: when `signal`
 * says so, or nobody reads on. */
async function* windowed(
  prompts: Prompts,
  run: (prompt: Prompt, index: number) => Promise<BatchItem>,
  open: number,
  inOrder: boolean,
  signal: AbortSignal | null | undefined,
  stop: AbortController,
): AsyncGenerator<BatchItem, void, undefined> {
  const isAsync = Symbol.asyncIterator in prompts;
  const source = isAsync ? prompts[Symbol.asyncIterator]() : prompts[Symbol.iterator]();
  const finished = new Map<number, BatchItem>();
  let [begun, given, underWay] = [0, 0, 0];
  let isOver = false;
  let isAsking = false;
  let failure: { error: unknown } | undefined;
  let wake = (): void => {};
  const note = (item: BatchItem): void => {
    underWay -= 1;
    finished.set(item.index, item);
    wake();
  };
  const fill = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      while (!isOver && underWay + finished.size < open) {
        const next = await source.next();
        if (next.done) isOver = true;
        if (isOver) break;
        underWay += 1;
        void run(next.value as Prompt, begun).then(note);
        begun += 1;
      }
    } catch (error) {
      failure = { error };
      isOver = true;
    }
    isAsking = false;
    wake();
  };
  // An array's prompts are all told that they were taken back; another source may wait for ever.
  const leave = (): void => {
    stop.abort(signal?.reason);
    isOver ||= isAsync;
    wake();
  };
  if (signal?.aborted) leave();
  else if (signal) listen(signal, leave);
  try {
    for (;;) {
      void fill();
      const item = inOrder ? finished.get(given) : finished.values().next().value;
      if (item !== undefined) {
        finished.delete(item.index);
        given += 1;
        yield item;
      } else if (isOver && underWay === 0) {
        if (failure !== undefined) throw failure.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    isOver = true;
    if (signal) unlisten(signal, leave);
    stop.abort();
    // A source that is being asked hears of it after its answer, which may never come.
    const left = Promise.resolve(source.return?.());
    if (isAsking) left.catch(() => {});
    else await left;
  }
}
