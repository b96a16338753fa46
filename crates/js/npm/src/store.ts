/** A user's store as the module asks it. It may do anything wrong that it likes. */

import * as core from "#core";
import { runtime } from "#runtime";
import { instance, tell } from "./engine.ts";
import { tellHook } from "./hook.ts";
import type { Log } from "./log.ts";
import type { CacheOptions } from "./options.ts";

/** How much is told of what a store says when it fails, in characters. */
const TOLD_MAX = 200;

/** The options of a cache as the module reads them. */
export function wired(options: CacheOptions, log: Log): object {
  const { store, waitUntil = runtime.waitUntil, ...rest } = options;
  if (store === undefined) return rest;
  const ask = (work: () => unknown, question: number): Promise<void> => {
    const asker = instance();
    const answer = (error: string | undefined, value: unknown): void => {
      // An instance that is gone can be told nothing.
      if (instance() === asker) tell(() => core.stored(question, error, value));
    };
    // The module must not be entered from inside it.
    return Promise.resolve()
      .then(work)
      .then(
        (value) => answer(undefined, value),
        (error: unknown) => answer(saidBy(error), undefined),
      );
  };
  return {
    ...rest,
    store: {
      get: (key: string, question: number) => void ask(() => store.get(key), question),
      put: (key: string, body: string, ttl: number, question: number) => {
        const kept = ask(() => store.set(key, body, ttl), question);
        tellHook(waitUntil, kept);
      },
      failing: (trouble: string) => {
        const message = `kneepoint: the cache fails, and calls go on without it: ${trouble}`;
        queueMicrotask(() => tellHook(log.warn, message));
      },
    },
  };
}

/** What a store said when it failed, whatever it threw. */
function saidBy(error: unknown): string {
  const said = error instanceof Error ? error.message : error;
  return typeof said === "string" && said !== "" ? said.slice(0, TOLD_MAX) : "it does not say why";
}
