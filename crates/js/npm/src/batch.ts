/** Many prompts as one: bounded, in order or as they finish, each with its own outcome. */

import type { KneepointError } from "./errors.ts";
import type { Generated, Kneepoint } from "./kneepoint.ts";
import { tellHook } from "./hook.ts";
import type { CallOptions } from "./options.ts";
import type { GenerateOptions, Message } from "./prompt.ts";

type Prompt = string | readonly Message[];

export interface BatchOptions extends CallOptions {
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

export interface Progress {
  begun: number;
  succeeded: number;
  failed: number;
}

/** One prompt's outcome: a value or an error. */
export type BatchItem =
  | { index: number; status: "fulfilled"; value: Generated }
  | { index: number; status: "rejected"; reason: KneepointError };

const OPEN_MAX = 1000;

/** A batch. It runs while it is read, and can be read once. */
export class Batch implements AsyncIterable<BatchItem> {
  readonly progress: Progress = { begun: 0, succeeded: 0, failed: 0 };
  readonly #items: AsyncGenerator<BatchItem, void, undefined>;

  /** @internal */
  constructor(
    client: Kneepoint,
    prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
    { concurrency = OPEN_MAX, order = "given", onProgress, signal, ...options }: BatchOptions,
  ) {
    // Whoever stops reading takes back what is under way.
    const stop = new AbortController();
    const signals = signal ? [signal, stop.signal] : [stop.signal];
    const call = { ...options, signal: AbortSignal.any(signals) } as GenerateOptions & CallOptions;
    const run = async (prompt: Prompt, index: number): Promise<BatchItem> => {
      this.progress.begun += 1;
      try {
        const value = await client.generate(prompt, call);
        this.progress.succeeded += 1;
        return { index, status: "fulfilled", value };
      } catch (reason) {
        this.progress.failed += 1;
        return { index, status: "rejected", reason: reason as KneepointError };
      } finally {
        tellHook(onProgress, { ...this.progress });
      }
    };
    this.#items = windowed(prompts, run, Math.max(1, concurrency), order === "given", stop);
  }

  [Symbol.asyncIterator](): AsyncIterator<BatchItem> {
    return this.#items;
  }

  /** Waits for all of them: the outcomes in the order of the prompts. */
  async settled(): Promise<BatchItem[]> {
    const items: BatchItem[] = [];
    for await (const item of this.#items) items[item.index] = item;
    return items;
  }
}

/** Keeps up to `open` runs under way, and hands out their results. */
async function* windowed(
  prompts: Iterable<Prompt> | AsyncIterable<Prompt>,
  run: (prompt: Prompt, index: number) => Promise<BatchItem>,
  open: number,
  inOrder: boolean,
  stop: AbortController,
): AsyncGenerator<BatchItem, void, undefined> {
  const source =
    Symbol.asyncIterator in prompts ? prompts[Symbol.asyncIterator]() : prompts[Symbol.iterator]();
  const finished = new Map<number, BatchItem>();
  let [begun, given, underWay] = [0, 0, 0];
  let isOver = false;
  let wake = (): void => {};
  const note = (item: BatchItem): void => {
    underWay -= 1;
    finished.set(item.index, item);
    wake();
  };
  try {
    for (;;) {
      while (!isOver && underWay + finished.size < open) {
        const next = await source.next();
        if (next.done) isOver = true;
        else {
          underWay += 1;
          void run(next.value, begun).then(note);
          begun += 1;
        }
      }
      const item = inOrder ? finished.get(given) : finished.values().next().value;
      if (item !== undefined) {
        finished.delete(item.index);
        given += 1;
        yield item;
      } else if (underWay === 0) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop.abort();
    await source.return?.();
  }
}
