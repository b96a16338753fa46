/** Answers in memory: for one store that several clients share, or for code that looks into it. */

import { kindOf, refuse } from "../failure.ts";
import type { CacheStore } from "../options.ts";
import { bound, checkOptions } from "./check.ts";

/** What a store in memory holds at most. */
export interface MemoryCacheOptions {
  /** Bytes: two for each character, and 256 for each entry. Default: 32 MiB. */
  maxBytes?: number | undefined;
  /** Entries. Default: any number. */
  maxEntries?: number | undefined;
  /** The longest time that an entry is kept, in ms, whatever it asks for. Default: no bound. */
  ttl?: number | undefined;
}

/** A store in memory. */
export interface MemoryCache extends CacheStore {
  get(key: string): string | undefined;
  /** Keeps a text for so many ms; without a number as long as the store keeps any. */
  set(key: string, value: string, ttl?: number): void;
  /** Forgets everything. */
  clear(): void;
  /** Bytes in use, as `maxBytes` counts them. */
  readonly bytes: number;
  /** Entries in it; those whose time is over count until somebody asks for them. */
  readonly entries: number;
}

/** What an entry costs beside its characters, on a round estimate from above. */
const ENTRY_BYTES = 256;

const BYTES = 32 * 1024 * 1024;

/**
 * Keeps answers in memory. Those that were not used for longest go first.
 *
 * `cache: true` does that too, inside the module and for one client alone.
 */
export function memoryCache(options: MemoryCacheOptions = {}): MemoryCache {
  checkOptions(options, "maxBytes", "maxEntries", "ttl");
  return new Memory(
    bound("maxBytes", options.maxBytes, BYTES),
    bound("maxEntries", options.maxEntries, Number.POSITIVE_INFINITY),
    bound("ttl", options.ttl, Number.POSITIVE_INFINITY),
  );
}

interface Entry {
  value: string;
  bytes: number;
  /** On the monotonic clock. */
  until: number;
}

class Memory implements MemoryCache {
  /** The one that was used last comes last. */
  readonly #kept = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #maxEntries: number;
  readonly #ttl: number;
  #bytes = 0;

  constructor(maxBytes: number, maxEntries: number, ttl: number) {
    this.#maxBytes = maxBytes;
    this.#maxEntries = maxEntries;
    this.#ttl = ttl;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#kept.size;
  }

  get(key: string): string | undefined {
    const entry = this.#take(key);
    if (entry === undefined || entry.until <= performance.now()) return undefined;
    this.#place(key, entry);
    return entry.value;
  }

  set(key: string, value: string, ttl = Number.POSITIVE_INFINITY): void {
    if (typeof value !== "string") throw refuse("value", kindOf(value), "a text");
    this.#take(key);
    const bytes = 2 * (key.length + value.length) + ENTRY_BYTES;
    const lifetime = Math.min(ttl, this.#ttl);
    // What cannot fit pushes nothing out.
    if (bytes > this.#maxBytes || !(lifetime > 0)) return;
    this.#place(key, { value, bytes, until: performance.now() + lifetime });
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes && this.#kept.size <= this.#maxEntries) return;
      this.#take(oldest);
    }
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #take(key: string): Entry | undefined {
    const entry = this.#kept.get(key);
    if (entry === undefined) return undefined;
    this.#kept.delete(key);
    this.#bytes -= entry.bytes;
    return entry;
  }

  #place(key: string, entry: Entry): void {
    this.#kept.set(key, entry);
    this.#bytes += entry.bytes;
  }
}
