/**
 * Places for answers: stores for a client's `cache` option, each over something that keeps texts.
 *
 * None of them brings a dependency, and importing them loads no wasm.
 *
 * @packageDocumentation
 */

export type { CacheStore } from "../options.ts";
export { type KVCacheOptions, kvCache, type KVLike } from "./kv.ts";
export { type MemoryCache, memoryCache, type MemoryCacheOptions } from "./memory.ts";
export { redisCache, type RedisCacheOptions, type RedisLike } from "./redis.ts";
export { type CacheLike, webCache, type WebCacheOptions } from "./web.ts";
