// Promises that cannot hold in some runtime, each with its reason. Everything else must hold.

import type { Place } from "./world.ts";

type Reasons = Partial<Record<Place["runtime"], string>>;

export const EXCEPTIONS: Record<string, Reasons> = {
  "what may have been carried out is repeated once, or never where that is asked": {
    chromium: "it repeats a request by itself when a connection is reset before the reply",
    firefox: "it repeats a request by itself when a connection is reset before the reply",
    deno: "its fetch repeats a request by itself when the connection is reset before the reply",
  },
};
