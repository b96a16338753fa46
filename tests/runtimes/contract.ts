// What the package promises, tried in the runtime that this runs in: plain functions, no runner.

import { Kneepoint } from "kneepoint";
import type { KVLike } from "kneepoint/cache";

import { check, equal, settled, sleep } from "./assert.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import { answers } from "./promises/answers.ts";
import { caches } from "./promises/caches.ts";
import { decoding } from "./promises/decoding.ts";
import { dropIn } from "./promises/drop_in.ts";
import { endings } from "./promises/endings.ts";
import { errors } from "./promises/errors.ts";
import { limits } from "./promises/limits.ts";
import { measures } from "./promises/measures.ts";
import { options } from "./promises/options.ts";
import { outages } from "./promises/outages.ts";
import { streams } from "./promises/streams.ts";
import { failure, type Place, type Promises, told, World } from "./world.ts";

export type { Place };

/** How long one promise may take: longer than all that it waits for. */
const PROMISE_MS_MAX = 40_000;

/** How one promise fared. */
export type Verdict =
  | { name: string; verdict: "kept"; ms?: number }
  | { name: string; verdict: "broken"; why: string }
  | { name: string; verdict: "impossible"; why: string };

/** The first one: it wants a module that is not there yet. */
const beginning: Promises = {
  async "a module that cannot be loaded is told as such, and the next try may succeed"() {
    const wrong = new Response("no module", { headers: { "content-type": "application/wasm" } });
    equal((await failure(Kneepoint.ready(wrong))).kind, "module", "kind");
    await Kneepoint.ready();
  },
};

const PROMISES: Promises = { ...beginning, ...answers, ...errors, ...options, ...limits, ...outages, ...streams, ...decoding, ...caches, ...dropIn, ...measures, ...endings };

/** Tries every promise in turn, and tells of each as it is known. `kv` is a namespace of Cloudflare's,
 * where there is one. */
export async function contract(place: Place, tell: (verdict: Verdict) => void, kv?: KVLike): Promise<void> {
  const uncaught: string[] = [];
  watch((error) => uncaught.push(told(error)));
  for (const [name, promise] of Object.entries(PROMISES)) {
    const why = EXCEPTIONS[name]?.[place.runtime];
    if (why !== undefined) {
      tell({ name, verdict: "impossible", why });
      continue;
    }
    const world = new World(place, kv);
    const began = Date.now();
    try {
      await settled(promise(world), name, PROMISE_MS_MAX);
      tell({ name, verdict: "kept", ms: Date.now() - began });
    } catch (error) {
      tell({ name, verdict: "broken", why: told(error) });
    } finally {
      world.leave();
    }
  }
  const name = "nothing was left uncaught on the way";
  // What nobody handles is reported once the event loop has gone round.
  await sleep(50);
  if (uncaught.length === 0) tell({ name, verdict: "kept" });
  else tell({ name, verdict: "broken", why: uncaught.join("\n") });
  const unknown = Object.keys(EXCEPTIONS).filter((known) => !(known in PROMISES));
  check(unknown.length === 0, `exceptions.ts names promises that are none: ${unknown.join(", ")}`);
}

/** Notes errors that nobody handles. */
function watch(note: (error: unknown) => void): void {
  if (typeof process === "object" && "on" in process && !("Deno" in globalThis)) {
    process.on("unhandledRejection", note);
    process.on("uncaughtException", note);
    return;
  }
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    note(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    note(event.error);
  });
}
