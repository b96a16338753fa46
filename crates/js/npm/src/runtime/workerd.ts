/** Cloudflare's Workers, where a module of wasm is imported like any other. */

import { waitUntil } from "cloudflare:workers";

// The bundler or the runtime makes a `WebAssembly.Module` of it.
import wasm from "../web/kneepoint.wasm";

import { text, variable } from "./common.ts";
import type { Runtime } from "./runtime.ts";
import { WorkerVisit } from "./visit.ts";

/** Connections that a request to a Worker may hold open. */
const CONNECTIONS_MAX = 6;

export const runtime: Runtime = {
  name: "workerd",
  // A client that serves many of them may hold more, and only its user knows how many they are.
  mostAtOnce: (_, asked) => (typeof asked === "number" ? undefined : CONNECTIONS_MAX),
  module: () => wasm,
  moduleNow: () => wasm,
  variable,
  turn: (then) => void setTimeout(then, 0),
  text,
  visit: (lingers, lookAfter) => new WorkerVisit(lingers, lookAfter),
  waitUntil,
};
