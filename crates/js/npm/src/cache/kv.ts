/** Answers in Cloudflare KV, or in whatever has its shape. */

import { checkMethods } from "../failure.ts";
import type { CacheStore } from "../options.ts";
import { checkOptions, prefixOf } from "./check.ts";
import { dated, undated } from "./dated.ts";

/** What is used of a KV namespace. */
export interface KVLike {
  get(key: string): Promise<string | null>;
  put(key: string, value: string, options?: { expirationTtl?: number }): Promise<unknown>;
}

/** How entries are named. */
export interface KVCacheOptions {
  /** What stands before each key. Default: `"kneepoint:"`. */
  prefix?: string | undefined;
}

/** Seconds. KV refuses to let an entry expire sooner. */
const EXPIRATION_S_MIN = 60;

/**
 * Keeps answers in a KV namespace, such as `env.ANSWERS`.
 *
 * KV keeps an entry for a minute at least, and may show it for a while longer where it was read
 * before. An entry therefore holds its own time, and is not served after it: a `ttl` below a minute
 * is kept as it was asked for, though the entry lies there for the rest of the minute.
 */
export function kvCache(namespace: KVLike, options: KVCacheOptions = {}): CacheStore {
  checkOptions(options, "prefix");
  checkMethods("namespace", namespace, "a KV namespace, which the Worker's configuration binds to env", "get", "put");
  const prefix = prefixOf(options.prefix);
  return {
    async get(key) {
      const found = await namespace.get(prefix + key);
      return found === null || found === undefined ? undefined : undated(found);
    },
    async set(key, value, ttl) {
      if (!(ttl > 0)) return;
      const seconds = Math.max(EXPIRATION_S_MIN, Math.ceil(ttl / 1000));
      const lifetime = Number.isFinite(seconds) ? { expirationTtl: seconds } : {};
      await namespace.put(prefix + key, dated(value, ttl), lifetime);
    },
  };
}
