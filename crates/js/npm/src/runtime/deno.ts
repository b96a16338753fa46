/** Deno, and Bun, whose own `fetch` is their fast one. */

import { readFileSync } from "node:fs";

import { text, variable } from "./common.ts";
import type { Runtime } from "./runtime.ts";

const bytes = (): Buffer => readFileSync(new URL("../node/kneepoint.wasm", import.meta.url));

export const runtime: Runtime = {
  name: "Bun" in globalThis ? "bun" : "deno",
  mostAtOnce: () => undefined,
  module: bytes,
  moduleNow: bytes,
  variable,
  turn: (then) => void setTimeout(then, 0),
  text,
};
