/** A user's store as the module asks it. It may do anything wrong that it likes. */

import { runtime } from "#runtime";
import { instance, tell } from "./engine.ts";
import { tellHook } from "./hook.ts";
import type { Log } from "./log.ts";
import type { CacheOptions } from "./options.ts";

type Done = (error: string | null, value?: unknown) => void;

/** How much is told of what a store says when it fails, in characters. */
const TOLD_MAX = 200;

/** The options of a cache as the module reads them. */
export function wired(options: CacheOptions, log: Log): object {
  const { store, waitUntil = runtime.waitUntil, ...rest } = options;
  if (store === undefined) return rest;
  const ask = (work: () => unknown, done: Done): Promise<void> => {
    const asker = instance();
    // An instance that is gone can be told nothing.
    const answer: Done = (error, value) => {
      if (instance() === asker) tell(() => done(error, value));
    };
    // The module must not be entered from inside it.
    return Promise.resolve()
      .then(work)
      .then(
        (value) => answer(null, value),
        (error: unknown) => answer(saidBy(error)),
      );
  };
  return {
    ...rest,
    store: {
      get: (key: string, done: Done) => void ask(() => store.get(key), done),
      put: (key: string, body: string, ttl: number, done: Done) => {
        const kept = ask(() => store.set(key, body, ttl), done);
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
