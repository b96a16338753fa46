/** The key of a call, where a function of the user's answers it. */

import { TIMER_MS_MAX } from "./engine.ts";
import { APIConnectionTimeoutError } from "./errors.ts";
import { explain, KneepointError, refuse } from "./failure.ts";

/** What a call may take where nobody says otherwise, in milliseconds. */
const TIMEOUT_MS_DEFAULT = 600_000;

/** The time that a call has, from now on. */
export class Clock {
  readonly #began = performance.now();
  readonly #millis: number;

  /** `timeout` as users give it: `null` for a call that may take for ever. */
  constructor(timeout: number | null | undefined) {
    this.#millis = timeout === undefined ? TIMEOUT_MS_DEFAULT : (timeout ?? Infinity);
  }

  /** Milliseconds that are left. A timeout that can be none is handed on, to be refused. */
  get left(): number {
    const left = this.#millis - (performance.now() - this.#began);
    return this.#millis > 0 ? Math.max(1, left) : this.#millis;
  }
}

/** The key that the function answers. A vault that never answers costs the call its `timeout`, as
 * whatever else it waits for; `over` settles where the call is given up before. */
export async function keyFrom(
  apiKey: () => string | Promise<string>,
  clock: Clock,
  over: Promise<unknown>,
): Promise<string> {
  const key = await inTime(answerOf(apiKey), clock.left, over);
  if (typeof key === "string" && key !== "") return key;
  throw refuse("apiKey", "no text in what the function answered", "a key");
}

async function answerOf(apiKey: () => string | Promise<string>): Promise<unknown> {
  try {
    return await apiKey();
  } catch (cause) {
    throw new KneepointError(`apiKey: the function that was to answer it failed: ${String(cause)}`, {
      kind: "config",
      option: "apiKey",
      phase: "queue",
      cause,
    });
  }
}

function inTime<T>(work: Promise<T>, millis: number, over: Promise<unknown>): Promise<T> {
  if (!(millis > 0 && millis < Infinity)) return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.min(millis, TIMER_MS_MAX));
    const stop = (): void => clearTimeout(timer);
    work.then(resolve, reject).finally(stop);
    over.catch(stop);
  });
}

function late(): APIConnectionTimeoutError {
  const message = "the function that was to answer apiKey took longer than the call's timeout";
  const error = new APIConnectionTimeoutError({ message });
  explain(error, { phase: "queue", option: "timeout", retryable: true });
  return error;
}
