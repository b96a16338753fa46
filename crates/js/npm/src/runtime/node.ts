/** Node. */

import encoded from "../node/kneepoint.wasm.js";

import { variable } from "./common.ts";
import { Context } from "./context.ts";
import type { Runtime } from "./runtime.ts";

const bytes = (): Buffer<ArrayBuffer> => Buffer.from(encoded, "base64");

export const runtime: Runtime = {
  name: "node",
  mostAtOnce: () => undefined,
  module: bytes,
  moduleNow: bytes,
  variable,
  turn: setImmediate,
  visit: () => new Context(),
  text(chunks) {
    const [first] = chunks;
    const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    const start = whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf ? 3 : 0;
    const bytes = Buffer.isBuffer(whole)
      ? whole
      : Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
    return bytes.toString("utf8", start);
  },
};
