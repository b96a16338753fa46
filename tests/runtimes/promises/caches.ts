// Answers that are not paid for twice: every store, what goes wrong with stores, and who shares what.

import { Kneepoint, KneepointError } from "kneepoint";
import { type CacheStore, type KVLike, kvCache, memoryCache, redisCache, webCache } from "kneepoint/cache";
import OpenAI from "kneepoint/openai";

import { check, equal, eventually, includes, settled, sleep } from "../assert.ts";
import { failure, heldBack, KEY, MODEL, type Promises, read, refusal, type World } from "../world.ts";

/** KV's shape and its refusals, where there is no KV. */
function namespace(): KVLike {
  const kept = new Map<string, string>();
  return {
    get: async (key) => kept.get(key) ?? null,
    async put(key, value, { expirationTtl = 60 } = {}) {
      if (!Number.isInteger(expirationTtl) || expirationTtl < 60) throw new Error(`KV refuses ${expirationTtl} s`);
      kept.set(key, value);
    },
  };
}

/** Tries what every store must do. */
async function keeps(store: CacheStore, world: World): Promise<void> {
  const key = `${world.place.seed}-${Math.random()}`;
  equal((await store.get(key)) ?? null, null, "what nobody put there");
  await store.set(key, "ein «Wort» 🙂\n", 60_000);
  equal(await store.get(key), "ein «Wort» 🙂\n", "what was put there");
  await store.set(key, "another", 60_000);
  equal(await store.get(key), "another", "what took its place");
  await store.set(`${key}/é?#%`, "", 60_000);
  equal(await store.get(`${key}/é?#%`), "", "an empty text under an odd key");
  await store.set(`${key}-old`, "old", 30);
  await sleep(60);
  equal((await store.get(`${key}-old`)) ?? null, null, "what is older than it may be");
  await store.set(`${key}-never`, "never", 0);
  equal((await store.get(`${key}-never`)) ?? null, null, "what may be kept for no time");
}

/** Asks clients of one store, with one key and with another, whole and streamed. */
async function serves(store: CacheStore, world: World): Promise<void> {
  const endpoint = world.endpoint("tokens=6,chunk=2");
  const work: Promise<unknown>[] = [];
  const cache = { store, maxWait: 5000, waitUntil: (one: Promise<unknown>) => void work.push(one) };
  const clients = [KEY, KEY, `${KEY}-other`].map((apiKey) => world.client(endpoint, { apiKey, cache }));
  const uses: string[] = [];
  const texts = new Set<string>();
  for (const llm of clients) {
    const answer = await llm.generate("Hello!", MODEL);
    const stream = llm.stream("Hello!", MODEL);
    const { text, error } = await read(stream);
    equal(error, undefined, "error");
    const { timing, usage } = await stream.result();
    equal(usage, answer.usage, "usage");
    texts.add(text).add(answer.text);
    uses.push(answer.timing.cache, timing.cache);
    await Promise.all(work);
  }
  equal(uses, ["miss", "miss", "hit", "hit", "miss", "miss"], "the cache");
  // The endpoint never says the same twice: what was kept is served as it was said.
  equal(texts.size, 4, "texts");
  equal((await endpoint.truth()).requests, 4, "requests");
}

/** A logger that remembers warnings. */
function listener(): { warnings: string[]; logger: Console } {
  const warnings: string[] = [];
  const quiet = (): void => {};
  const logger = { error: quiet, warn: (said: string) => void warnings.push(said), info: quiet, debug: quiet };
  return { warnings, logger: logger as unknown as Console };
}

const never = (): Promise<never> => new Promise(() => {});

export const caches: Promises = {
  async "a store in memory keeps what fits, and what was used last"(world) {
    await keeps(memoryCache(), world);
    await serves(memoryCache(), world);
    const few = memoryCache({ maxEntries: 2 });
    for (const key of ["a", "b"]) few.set(key, key);
    few.get("a");
    few.set("c", "c");
    equal(["a", "b", "c"].map((key) => few.get(key) ?? null), ["a", null, "c"], "entries");
    const small = memoryCache({ maxBytes: 10_000 });
    for (let i = 0; i < 200; i += 1) {
      small.set(`key ${i % 7}`, "x".repeat((i * 37) % 4000));
      check(small.bytes <= 10_000, `${small.bytes} bytes`);
    }
    small.set("huge", "x".repeat(10_000));
    equal([small.get("huge") ?? null, small.entries > 0], [null, true], "what cannot fit pushes nothing out");
    small.clear();
    equal([small.bytes, small.entries], [0, 0], "after clear");
    const brief = memoryCache({ ttl: 30 });
    brief.set("a", "a", 60_000);
    await sleep(60);
    equal(brief.get("a") ?? null, null, "the store's own time");
  },

  async "the Cache API keeps answers, and no key stands in a URL"(world) {
    const name = `kneepoint ${world.place.seed}`;
    const store = webCache(name);
    await keeps(store, world);
    await serves(store, world);
    const urls: string[] = [];
    const spy = {
      match: async (url: string) => void urls.push(url) as undefined,
      put: async (url: string) => void urls.push(url),
      delete: async () => true,
    };
    await world.client(world.endpoint("tokens=2"), { cache: { store: webCache(spy, { baseURL: "https://edge.test/kept" }) } }).generate("Hello!", MODEL);
    await eventually(() => urls.length === 2, "it was asked and told");
    for (const url of urls) check(/^https:\/\/edge\.test\/kept\/[0-9a-f]{64}$/.test(url), url);
    // Deno and browsers keep it for ever; Workers cannot let go of it.
    if (world.place.runtime !== "workerd") await globalThis.caches.delete(name);
  },

  async "Workers' default cache keeps answers"(world) {
    const { default: place } = globalThis.caches as unknown as { default: Cache };
    await keeps(webCache(place), world);
    await serves(webCache(place), world);
  },

  async "KV keeps answers, also for less than its minute"(world) {
    const kv = world.kv ?? namespace();
    await keeps(kvCache(kv), world);
    await serves(kvCache(kv, { prefix: "tests:" }), world);
    await kvCache(kv, { prefix: "one:" }).set("key", "one", 60_000);
    equal((await kvCache(kv, { prefix: "two:" }).get("key")) ?? null, null, "another namespace");
  },

  async "a text that a store has cut or mixed up is not served"(world) {
    const kept = new Map<string, string>();
    const kv = { get: async (key: string) => kept.get(key) ?? null, put: async (key: string, value: string) => void kept.set(key, value) };
    const spoil: ((text: string) => string)[] = [(text) => text.slice(0, -5), (text) => text.slice(5), () => "", () => "<html>"];
    for (const change of spoil) {
      kept.clear();
      const { warnings, logger } = listener();
      const endpoint = world.endpoint("tokens=5");
      const llm = world.client(endpoint, { cache: { store: kvCache(kv) }, logger });
      await llm.generate("Hello!", MODEL);
      await llm.stream("Hello!", MODEL).result();
      await eventually(() => kept.size === 2, "both are kept");
      for (const [key, text] of kept) kept.set(key, change(text));
      await sleep(20);
      equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 5, "tokens");
      equal((await llm.stream("Hello!", MODEL).result()).usage?.outputTokens, 5, "tokens of a stream");
      equal((await endpoint.truth()).requests, 4, "requests");
      await eventually(() => warnings.length === 1, "a warning");
    }
  },

  async "a store that throws, rejects, hangs or answers nonsense fails no call, and is complained of once"(world) {
    const thrown = (): never => {
      throw new Error("down");
    };
    const stores: Record<string, [CacheStore, string]> = {
      throws: [{ get: thrown, set: thrown }, "down"],
      rejects: [{ get: () => Promise.reject(new Error("down")), set: () => Promise.reject("down") }, "down"],
      "rejects with nothing": [{ get: () => Promise.reject(Object.create(null)), set: () => Promise.reject() }, "does not say why"],
      hangs: [{ get: never, set: never }, "within 50 ms"],
      "answers a number": [{ get: () => 7 as never, set: () => 7 }, "no text"],
      "answers an object": [{ get: () => ({}) as never, set: () => ({}) }, "no text"],
      "answers half": [{ get: () => '{"choices":[{"mess', set: () => {} }, "no whole answer"],
      "reads but does not write": [{ get: () => null, set: thrown }, "down"],
    };
    for (const [what, [store, complaint]] of Object.entries(stores)) {
      const { warnings, logger } = listener();
      const endpoint = world.endpoint("tokens=4");
      const llm = world.client(endpoint, { cache: { store, maxWait: 50 }, logger });
      for (let i = 0; i < 2; i += 1) {
        const answer = await llm.generate("Hello!", MODEL);
        equal([answer.usage?.outputTokens, answer.timing.cache], [4, "miss"], what);
        equal((await read(llm.stream("Hello!", MODEL))).error, undefined, `${what}: a stream`);
        await sleep(80);
      }
      equal(warnings.length, 1, `${what}: warnings`);
      includes(warnings[0], complaint, what);
      equal((await endpoint.truth()).requests, 4, `${what}: requests`);
    }
  },

  async "a logger that throws and a store that fails spoil nothing together"(world) {
    const logger = { ...listener().logger, warn: () => { throw new Error("from the logger"); } };
    const store = { get: () => Promise.reject(new Error("down")), set: () => Promise.reject(new Error("down")) };
    const llm = world.client(world.endpoint("tokens=4"), { cache: { store }, logger: logger as Console });
    for (let i = 0; i < 2; i += 1) equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 4, "tokens");
  },

  async "a thousand calls of fifty questions are fifty requests"(world) {
    const endpoint = world.endpoint("tokens=3,ttft=20");
    const memory = memoryCache();
    const later = { get: async (key: string) => (await sleep(2), memory.get(key)), set: async (key: string, value: string, ttl: number) => (await sleep(2), memory.set(key, value, ttl)) };
    const llm = world.client(endpoint, { cache: { store: later, maxWait: 10_000 } });
    const calls = Array.from({ length: 1000 }, async (_, i) => {
      if (i % 3 === 0) await sleep(i % 90);
      return llm.generate(`question ${i % 50}`, MODEL);
    });
    const answers = await settled(Promise.all(calls), "the calls", 30_000);
    equal((await endpoint.truth()).requests, 50, "requests");
    const uses = answers.map((answer) => answer.timing.cache);
    equal(uses.filter((use) => use === "miss").length, 50, "misses");
    equal(uses.filter((use) => use === "bypass").length, 0, "bypasses");
    for (let i = 0; i < 50; i += 1) {
      const texts = new Set(answers.filter((_, j) => j % 50 === i).map((answer) => answer.text));
      equal(texts.size, 1, `texts of question ${i}`);
    }
  },

  async "one that leaves a shared answer leaves it whole for the others, the first one too"(world) {
    for (const leaver of [0, 2]) {
      const endpoint = world.endpoint("tokens=5");
      const { fetch, letGo } = heldBack();
      const llm = world.client(endpoint, { cache: true, fetch });
      const leaving = new AbortController();
      const calls = Array.from({ length: 4 }, (_, i) =>
        llm.generate("Hello!", i === leaver ? { ...MODEL, signal: leaving.signal } : MODEL),
      );
      await endpoint.until((truth) => truth.requests === 1, "it has been sent");
      leaving.abort();
      letGo();
      const outcomes = await Promise.allSettled(calls);
      equal(outcomes.map((one) => one.status === "fulfilled"), [0, 1, 2, 3].map((i) => i !== leaver), "outcomes");
      equal((await endpoint.truth()).requests, 1, "requests");
      equal((await llm.generate("Hello!", MODEL)).timing.cache, "hit", "afterwards");
    }
  },

  async "calls say what the cache had to do with them, and may leave it out"(world) {
    const endpoint = world.endpoint("tokens=5,ttft=50");
    const llm = world.client(endpoint, { cache: true });
    const use = async (options: object) => (await llm.generate("Hello!", { ...MODEL, ...options })).timing.cache;
    equal(await Promise.all([use({}), use({})]), ["miss", "shared"], "at once");
    equal([await use({}), await use({ cache: false })], ["hit", "bypass"], "one after the other");
    const alone = { temperature: 1, dedupe: false };
    equal(await Promise.all([use(alone), use(alone)]), ["miss", "miss"], "alone");
    const strict = world.client(endpoint, { cache: true, dedupe: false });
    const both = await Promise.all([1, 2].map(() => strict.generate("Hello!", MODEL)));
    equal(both.map((one) => one.timing.cache), ["miss", "miss"], "a client that shares nothing");
    equal((await endpoint.truth()).requests, 6, "requests");
  },

  async "a stream is replayed piece by piece, in OpenAI's shape too"(world) {
    const endpoint = world.endpoint("tokens=30,chunk=3");
    const llm = new OpenAI({ baseURL: endpoint.baseURL, apiKey: KEY, dangerouslyAllowBrowser: true, cache: true });
    const body = { ...MODEL, messages: [{ role: "user" as const, content: "Hello!" }] };
    const chunks = async () => {
      const list: unknown[] = [];
      for await (const chunk of await llm.chat.completions.create({ ...body, stream: true })) list.push(chunk);
      return list;
    };
    const live = await chunks();
    const kept = await chunks();
    equal(kept, live, "chunks");
    check(live.length > 5, `${live.length} chunks`);
    const { data, response } = await llm.chat.completions.create({ ...body, stream: true }).withResponse();
    equal([response.status, response.headers.get("content-type")], [200, "text/event-stream"], "the response");
    const first = await data[Symbol.asyncIterator]().next();
    equal(first.value, live[0], "the first chunk of another");
    data.controller.abort();
    const whole = await llm.chat.completions.create(body);
    equal(await llm.chat.completions.create(body), whole, "a whole answer");
    equal((await endpoint.truth()).requests, 2, "requests");
    llm.dispose();
  },

  async "a broken stream, an error and a call that was taken back leave nothing in the cache"(world) {
    const store = memoryCache();
    const cut = world.client(world.endpoint("tokens=9,chunk=1,fault=fin_mid@3"), { cache: { store } });
    check((await read(cut.stream("Hello!", MODEL))).error !== undefined, "it broke");
    const bad = world.client(world.endpoint("tokens=9,fault=status_400"), { cache: { store } });
    await bad.generate("Hello!", MODEL).catch(() => {});
    const slow = world.client(world.endpoint("tokens=900,tpot=20"), { cache: { store } });
    for await (const _ of slow.stream("Hello!", MODEL)) break;
    await sleep(50);
    equal(store.entries, 0, "entries");
  },

  async "work on the cache is told to whoever keeps a Worker alive for it"(world) {
    const work: Promise<unknown>[] = [];
    const store = { get: () => null, set: () => sleep(20).then(() => Promise.reject(new Error("down"))) };
    const { logger } = listener();
    const llm = world.client(world.endpoint("tokens=2"), { cache: { store, waitUntil: (one) => void work.push(one) }, logger });
    await llm.generate("Hello!", MODEL);
    await eventually(() => work.length === 1, "it was told");
    await settled(work[0] as Promise<unknown>, "the work");
  },

  async "a store that answers after a trap leaves the next call alone"(world) {
    const store = { get: () => sleep(60).then(() => null), set: () => sleep(60) };
    const llm = world.client(world.endpoint("tokens=3,ttft=200"), { cache: { store } });
    const first = failure(llm.generate("Hello!", MODEL));
    const second = failure(world.trap(() => llm.generate("Another", MODEL)));
    equal([(await first).kind, (await second).kind], ["poisoned", "poisoned"], "kinds");
    const third = await llm.generate("Hello!", MODEL);
    equal([third.usage?.outputTokens, third.timing.cache], [3, "miss"], "the next call");
  },

  async "stores and cache options that make no sense are refused before anything is sent"() {
    const kv = namespace();
    const redis = { get: async () => null, set: async () => null };
    const wrong: [string, () => unknown][] = [
      ["maxBytes", () => memoryCache({ maxBytes: 0 })],
      ["maxEntries", () => memoryCache({ maxEntries: "3" as never })],
      ["ttl", () => memoryCache({ ttl: Number.NaN })],
      ["size", () => memoryCache({ size: 3 } as never)],
      ["value", () => memoryCache().set("a", 7 as never)],
      ["options", () => kvCache(kv, null as never)],
      ["options", () => memoryCache(new Map([["ttl", 5]]) as never)],
      ["namespace", () => kvCache(undefined as never)],
      ["namespace", () => kvCache({ get: kv.get } as never)],
      ["prefix", () => kvCache(kv, { prefix: "x".repeat(200) })],
      ["client", () => redisCache(undefined as never)],
      ["client", () => redisCache(redis)],
      ["cache", () => webCache({} as never)],
      ["baseURL", () => webCache({ match: never, put: never, delete: never }, { baseURL: "file:///a" })],
      ["baseURL", () => webCache({ match: never, put: never, delete: never }, { baseURL: "https://user:word@host/" })],
      ["store", () => new Kneepoint({ apiKey: null, cache: { store: { get: () => null } as never } })],
      ["store", () => new Kneepoint({ apiKey: null, cache: { store: "redis" as never } })],
      ["stor", () => new Kneepoint({ apiKey: null, cache: { stor: kv } as never })],
      ["cache", () => new Kneepoint({ apiKey: null, cache: [kv] as never })],
      ["maxWait", () => new Kneepoint({ apiKey: null, cache: { maxWait: -1 } })],
    ];
    if (!("caches" in globalThis)) wrong.push(["cache", () => webCache("kneepoint")]);
    for (const [option, make] of wrong) {
      const error = await refusal(make, option);
      equal([error.kind, error.option], ["config", option], error.message);
      check(error instanceof KneepointError, "the class");
    }
  },
};
