/** What a run is told, as it was when it was asked for: it begins a moment later, when whoever asked may have
 * changed the same objects for the next one. */

import type { RequestOptions } from "../../resources/request.ts";
import { pairsOf } from "../options.ts";

/** The body with lists of its own, such as that of its messages. Objects in it may be marked by those who made
 * them, and are left alone. */
export function keptBody<Body extends object>(body: Body): Body {
  const kept = Object.entries(body).map(([name, value]) => [name, Array.isArray(value) ? [...(value as unknown[])] : value]);
  return Object.fromEntries(kept) as Body;
}

/** The options with header fields and parameters of their own. */
export function keptOptions<Options extends RequestOptions>(options: Options): Options {
  const { headers, query } = options;
  return {
    ...options,
    ...(headers ? { headers: pairsOf(headers) } : {}),
    ...(query ? { query: { ...query } } : {}),
  };
}
