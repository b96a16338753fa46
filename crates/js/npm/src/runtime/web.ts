/** Pages and their workers. */

import { text, turn, variable } from "./common.ts";
import type { Runtime } from "./runtime.ts";

/** Connections that browsers open to one host over HTTP/1.1. */
const CONNECTIONS_MAX = 6;

/** Where this lies in the package; the build says so. */
declare const PLACE: string;

/** What of an address is a folder that a tool keeps for itself among the packages. */
const KEPT_BY_A_TOOL = /\/node_modules\/\.(?!.*\/node_modules\/).*/;

/** Where the module is. Vite before 8 packs dependencies into such a folder for development, and leaves behind
 * what lies beside them. */
function address(): URL {
  const beside = new URL("./kneepoint.wasm", import.meta.url);
  return new URL(beside.href.replace(KEPT_BY_A_TOOL, `/node_modules/kneepoint/${PLACE}/kneepoint.wasm`));
}

export const runtime: Runtime = {
  name: "browser",
  // Over plain HTTP there is no HTTP/2 in browsers. Requests beyond the six would wait where nobody
  // can see them, and their timeouts would run.
  mostAtOnce: (baseURL) => (baseURL.startsWith("http:") ? CONNECTIONS_MAX : undefined),
  module: address,
  variable,
  turn,
  text,
};
