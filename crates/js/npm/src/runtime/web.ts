/** Pages and their workers. */

import { text, turn, variable } from "./common.ts";
import type { Runtime } from "./runtime.ts";

/** Connections that browsers open to one host over HTTP/1.1. */
const CONNECTIONS_MAX = 6;

export const runtime: Runtime = {
  name: "browser",
  // Over plain HTTP there is no HTTP/2 in browsers. Requests beyond the six would wait where nobody
  // can see them, and their timeouts would run.
  mostAtOnce: (baseURL) => (baseURL.startsWith("http:") ? CONNECTIONS_MAX : undefined),
  module: () => new URL("./kneepoint.wasm", import.meta.url),
  variable,
  turn,
  text,
};
