/** Answers in the Cache API of browsers, Workers and Deno. */

import { checkMethods, kindOf, refuse } from "../failure.ts";
import type { CacheStore } from "../options.ts";
import { checkOptions } from "./check.ts";
import { dated, undated } from "./dated.ts";

/** What is used of the platform's `Cache`. */
export interface CacheLike {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<unknown>;
  delete(url: string): Promise<boolean>;
}

/** How entries are named. */
export interface WebCacheOptions {
  /** The address that entries lie under; nothing is ever fetched from it. On Workers, one of your
   * own host is found fastest. Default: `https://cache.kneepoint.invalid/`. */
  baseURL?: string | undefined;
}

const BASE_URL = "https://cache.kneepoint.invalid/";

/** The longest `max-age` that HTTP asks anybody to understand. */
const MAX_AGE_S = 2 ** 31 - 1;

/**
 * Keeps answers in the Cache API: in the cache of this name, or in an object such as Workers'
 * `caches.default`.
 *
 * Browsers and Deno heed no `Cache-Control` there, so each entry holds its own time too, and is
 * deleted by whoever asks for it afterwards. The URL of an entry is made of its key and of nothing
 * else, and a client's keys are hashes.
 */
export function webCache(cache: string | CacheLike = "kneepoint", options: WebCacheOptions = {}): CacheStore {
  checkOptions(options, "baseURL");
  const base = baseOf(options.baseURL ?? BASE_URL);
  const opened = typeof cache === "string" ? opener(cache) : given(cache);
  const urlOf = (key: string): string => base + encodeURIComponent(key);
  return {
    async get(key) {
      const [place, url] = [await opened(), urlOf(key)];
      const found = await place.match(url);
      if (found === undefined) return undefined;
      const text = undated(await found.text());
      if (text === undefined) await place.delete(url);
      return text;
    },
    async set(key, value, ttl) {
      if (!(ttl > 0)) return;
      const age = Math.min(Math.ceil(ttl / 1000), MAX_AGE_S);
      const headers = { "cache-control": `max-age=${age}`, "content-type": "text/plain;charset=utf-8" };
      await (await opened()).put(urlOf(key), new Response(dated(value, ttl), { headers }));
    },
  };
}

function given(cache: CacheLike): () => Promise<CacheLike> {
  checkMethods("cache", cache, "a name, or a Cache such as caches.default", "match", "put", "delete");
  return () => Promise.resolve(cache);
}

/** Opens the cache of this name when it is first needed, and again where that failed. */
function opener(name: string): () => Promise<CacheLike> {
  if (typeof caches === "undefined") {
    throw refuse("cache", "no Cache API here", "a browser's page over HTTPS, a Worker or Deno; memoryCache works anywhere");
  }
  let opening: Promise<CacheLike> | undefined;
  return () => {
    opening ??= caches.open(name).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
}

function baseOf(baseURL: unknown): string {
  const expected = "an http or https URL without user, query and fragment";
  if (typeof baseURL !== "string") throw refuse("baseURL", kindOf(baseURL), expected);
  const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined;
  const odd = url === undefined ? "" : url.username + url.password + url.search + url.hash;
  if (url === undefined) throw refuse("baseURL", "no URL", expected);
  // The rest may be a password, and is not repeated.
  if (odd !== "") throw refuse("baseURL", "more in it", expected);
  if (!/^https?:$/.test(url.protocol)) throw refuse("baseURL", `one that begins with ${url.protocol}`, expected);
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}
