// Promises that cannot hold in some runtime, each with its reason. Everything else must hold.

import type { Place } from "./world.ts";

type Reasons = Partial<Record<Place["runtime"], string>>;

/** A benchmark in a Worker. */
const unmeasured: Reasons = {
  workerd: "its clock stands still while it works, so that nothing can be measured there",
};

const A_CONNECTION_EACH = "WebKitGTK opens a connection for each POST";

const NO_CACHE_API = "it has no Cache API";

const NO_DEFAULT_CACHE = "its Cache API has no default cache, as only Workers have";

export const EXCEPTIONS: Record<string, Reasons> = {
  "a benchmark sends what it was told to, counts it, and reports it without the key": unmeasured,
  "a ladder finds where an endpoint begins to refuse": unmeasured,
  "a benchmark of an endpoint that is not there says so, and what cannot be is refused": unmeasured,
  "options of a benchmark that cannot be meant are refused by name": unmeasured,
  "a benchmark sends the client's header fields and parameters, and wants leave for a key in a page": unmeasured,
  "what is handed in as a report and is none spoils no run that is under way": unmeasured,
  "a benchmark's hooks that throw, at once or later, spoil nothing": unmeasured,
  "what came in time counts, though the program was busy until its time was over": {
    workerd: "its clock stands still while it works, so that no program is busy for long",
  },
  "the Cache API keeps answers, and no key stands in a URL": { node: NO_CACHE_API, bun: NO_CACHE_API },
  "Workers' default cache keeps answers": {
    node: NO_CACHE_API,
    bun: NO_CACHE_API,
    deno: NO_DEFAULT_CACHE,
    chromium: NO_DEFAULT_CACHE,
    firefox: NO_DEFAULT_CACHE,
    webkit: NO_DEFAULT_CACHE,
  },
  "a body that is cut is no success, and no raw error": {
    webkit: "it takes a body for whole that is shorter than its length said",
  },
  "streams one after another share a connection": { webkit: A_CONNECTION_EACH },
  "refused calls one after another share a connection": { webkit: A_CONNECTION_EACH },
  "disposing of a client made by withOptions closes no connection": { webkit: A_CONNECTION_EACH },
  "what may have been carried out is repeated once, or never where that is asked": {
    chromium: "it repeats a request by itself when a connection is reset before the reply",
    firefox: "it repeats a request by itself when a connection is reset before the reply",
    deno: "its fetch repeats a request by itself when the connection is reset before the reply",
  },
};
