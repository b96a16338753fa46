// Promises that cannot hold in some runtime, each with its reason. Everything else must hold.

import type { Place } from "./world.ts";

type Reasons = Partial<Record<Place["runtime"], string>>;

/** A benchmark in a Worker. */
const unmeasured: Reasons = {
  workerd: "its clock stands still while it works, so that nothing can be measured there",
};

export const EXCEPTIONS: Record<string, Reasons> = {
  "a benchmark sends what it was told to, counts it, and reports it without the key": unmeasured,
  "a ladder finds where an endpoint begins to refuse": unmeasured,
  "a benchmark of an endpoint that is not there says so, and what cannot be is refused": unmeasured,
  "what may have been carried out is repeated once, or never where that is asked": {
    chromium: "it repeats a request by itself when a connection is reset before the reply",
    firefox: "it repeats a request by itself when a connection is reset before the reply",
    deno: "its fetch repeats a request by itself when the connection is reset before the reply",
  },
};
