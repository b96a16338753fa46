/** Deno, and Bun, whose own `fetch` is their fast one. */

import { Buffer } from "node:buffer";

import encoded from "../node/kneepoint.wasm.js";

import { text, variable } from "./common.ts";
import { Context } from "./context.ts";
import type { Runtime } from "./runtime.ts";

const bytes = (): Buffer<ArrayBuffer> => Buffer.from(encoded, "base64");

export const runtime: Runtime = {
  name: "Bun" in globalThis ? "bun" : "deno",
  mostAtOnce: () => undefined,
  module: bytes,
  moduleNow: bytes,
  variable,
  turn: (then) => void setTimeout(then, 0),
  visit: () => new Context(),
  text,
};
