/** Answers in Redis, through the client object that a program has already. */

import { checkMethods, refuse } from "../failure.ts";
import type { CacheStore } from "../options.ts";
import { checkOptions, prefixOf } from "./check.ts";

/** What is used of a client of Redis. How `set` is told of time depends on whose client it is. */
export interface RedisLike {
  get(key: string): Promise<unknown>;
  set(key: string, value: string, ...lifetime: never[]): Promise<unknown>;
}

/** How entries are named. */
export interface RedisCacheOptions {
  /** What stands before each key. Default: `"kneepoint:"`. */
  prefix?: string | undefined;
}

/** Commands that may wait for an answer. A server that hangs must not gather any number of them. */
const PENDING_MAX = 10_000;

const EXPECTED = "a client of the npm package redis (4 or newer) or of ioredis";

/**
 * Keeps answers in Redis, through a client of `redis` (node-redis, 4 or newer) or of `ioredis`. It
 * stays yours: connect it, listen to its errors, close it.
 *
 * While the client has lost its connection, the store fails at once: the commands would only wait in
 * the client's own queue.
 */
export function redisCache(client: RedisLike, options: RedisCacheOptions = {}): CacheStore {
  checkOptions(options, "prefix");
  checkMethods("client", client, EXPECTED, "get", "set");
  return new Redis(client, prefixOf(options.prefix));
}

/** What both kinds of client have, or one of them. */
interface Client {
  /** node-redis: whether `connect` was called. Its clients, pools and clusters all tell. */
  isOpen?: unknown;
  /** node-redis: whether commands would be sent now. Pools do not tell. */
  isReady?: unknown;
  /** ioredis: `"ready"` when commands would be sent now. */
  status?: unknown;
  /** ioredis. */
  defineCommand?: unknown;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ...lifetime: unknown[]): Promise<unknown>;
}

/** Writes a lifetime as a client's `set` takes it. */
type Lifetime = (millis: number) => unknown[];

/** The clients are told apart by a property that all versions of one have and none of the other. */
function lifetimeOf({ isOpen, defineCommand, status }: Client): Lifetime {
  if (typeof isOpen === "boolean") return (millis) => [{ PX: millis }];
  if (typeof defineCommand === "function" && typeof status === "string") return (millis) => ["PX", millis];
  throw refuse("client", "an object with get and set of another kind", `${EXPECTED}; any other can be wrapped as { get, set }`);
}

class Redis implements CacheStore {
  readonly #client: Client;
  readonly #prefix: string;
  readonly #lifetime: Lifetime;
  #pending = 0;
  #wasReady = false;

  constructor(client: RedisLike, prefix: string) {
    this.#client = client as unknown as Client;
    this.#prefix = prefix;
    this.#lifetime = lifetimeOf(this.#client);
  }

  async get(key: string): Promise<string | null> {
    return this.#ask(() => this.#client.get(this.#prefix + key));
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    if (!(ttl > 0)) return;
    const lifetime = Number.isFinite(ttl) ? this.#lifetime(Math.ceil(ttl)) : [];
    await this.#ask(() => this.#client.set(this.#prefix + key, value, ...lifetime));
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    this.#check();
    this.#pending += 1;
    try {
      return await command();
    } finally {
      this.#pending -= 1;
    }
  }

  /** Fails where a command could not be sent. Before the first connection it may wait for that. */
  #check(): void {
    const { isReady, status } = this.#client;
    const isConnected = isReady ?? (status === undefined || status === "ready");
    if (isConnected) this.#wasReady = true;
    else if (this.#wasReady) throw new Error("the client is not connected to Redis");
    if (this.#pending >= PENDING_MAX) throw new Error(`${PENDING_MAX} commands wait for Redis already`);
  }
}
