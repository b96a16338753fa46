// The package's store in a real Redis, through the clients that programs use.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { consumer, program, repository } from "../packaging/consumer.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { CLIENTS } from "./clients.mjs";
import { startRedis } from "./server.mjs";

const KEY = "sk-canary-7f3a9c51d2";
const MODEL = { model: "m" };

const folder = consumer("redis");
const dist = pathToFileURL(`${folder}/node_modules/kneepoint/dist/node`);
const [entry, cacheEntry] = [`${dist}/index.js`, `${dist}/cache/index.js`];
const { Kneepoint } = await import(entry);
const { redisCache } = await import(cacheEntry);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until it holds: a bound for a hang, no expectation. */
async function eventually(holds, what) {
  const end = Date.now() + 15_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what}: not within 15 s`);
    await sleep(10);
  }
}

let endpoint;
let redis;
let specs = 0;

before(async () => {
  [endpoint, redis] = await Promise.all([startServer(), startRedis()]);
});

after(async () => {
  await redis?.kill();
  await endpoint?.stop();
});

/** An endpoint with counters of its own. */
function upstream(rules) {
  specs += 1;
  const spec = `${endpoint.http}/mock/${rules},seed=${process.pid * 100 + specs}`;
  return {
    baseURL: `${spec}/v1`,
    requests: async () => (await (await fetch(`${spec}/stats`)).json()).requests,
  };
}

function listener() {
  const warnings = [];
  return { warnings, logger: { error() {}, warn: (said) => void warnings.push(said), info() {}, debug() {} } };
}

test("the types of both packages fit", async () => {
  const packages = `${repository}tests/node_modules`;
  const source = `
    import { type CacheStore, redisCache } from "kneepoint/cache";
    import { Cluster, Redis } from "${packages}/ioredis";
    import { createClient, createClientPool, createCluster } from "${packages}/redis";
    export const stores: CacheStore[] = [
      redisCache(new Redis(), { prefix: "a:" }), redisCache(new Cluster([])),
      redisCache(createClient()), redisCache(createClientPool()), redisCache(createCluster({ rootNodes: [] })),
    ];
    // @ts-expect-error No client of Redis.
    redisCache({ get: 3 });`;
  writeFileSync(`${folder}/typed.ts`, source);
  const flags = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
  const types = ["--types", "node", "--typeRoots", `${packages}/@types`];
  const [command, ...words] = program("tsc");
  await promisify(execFile)(command, [...words, ...flags, ...types, "typed.ts"], { cwd: folder }).catch(({ stdout }) => assert.fail(stdout));
});

for (const [name, connect] of Object.entries(CLIENTS)) {
  test(`${name}: entries have their time and their namespace, and hold no key`, async () => {
    const { client, close } = await connect(redis.port);
    const inspector = await CLIENTS.ioredis(redis.port);
    const [one, other] = ["one:", "other:"].map((prefix) => redisCache(client, { prefix: `${name} ${prefix}` }));
    await one.set("key", "ein «Wort» 🙂\n", 60_000);
    assert.equal(await one.get("key"), "ein «Wort» 🙂\n");
    assert.equal(await other.get("key"), null);
    const left = await inspector.client.pttl(`${name} one:key`);
    assert.ok(left > 0 && left <= 60_000, `${left} ms are left`);
    await one.set("brief", "brief", 20.5);
    await eventually(async () => (await one.get("brief")) === null, "it is over");
    await one.set("never", "never", 0);
    assert.equal(await one.get("never"), null);
    const { baseURL } = upstream("tokens=4");
    const work = [];
    const cache = { store: redisCache(client, { prefix: `${name} canary:` }), maxWait: 10_000, waitUntil: (one) => work.push(one) };
    const llm = new Kneepoint({ baseURL, apiKey: KEY, cache });
    await llm.generate("Hello!", MODEL);
    await Promise.all(work);
    const [key, ...more] = await inspector.client.keys(`${name} canary:*`);
    assert.deepEqual(more, []);
    assert.match(key, / canary:[0-9a-f]{64}$/);
    assert.ok(!(await inspector.client.get(key)).includes(KEY), "the key is in no entry");
    llm.dispose();
    inspector.close();
    close();
  });

  test(`${name}: another process has the answer, with the same credential only`, async () => {
    const { baseURL, requests } = upstream("tokens=6");
    const ask = async (key) => {
      const args = [fileURLToPath(new URL("asker.mjs", import.meta.url)), name, redis.port, baseURL, key];
      const env = { ...process.env, KNEEPOINT_ENTRY: entry, KNEEPOINT_CACHE: cacheEntry };
      return JSON.parse((await promisify(execFile)("node", args, { env })).stdout);
    };
    const answers = [];
    for (const key of [KEY, KEY, "sk-other", "sk-other"]) answers.push(await ask(key));
    assert.deepEqual(answers.map((one) => one.cache), ["miss", "hit", "miss", "hit"]);
    assert.deepEqual([answers[1].text, answers[3].text], [answers[0].text, answers[2].text]);
    assert.notEqual(answers[0].text, answers[2].text);
    assert.equal(await requests(), 2);
  });

  test(`${name}: killed in mid-run it fails no call, is complained of once, and serves again after a restart`, async () => {
    const server = await startRedis();
    const { client, close } = await connect(server.port);
    const { warnings, logger } = listener();
    const { baseURL, requests } = upstream("tokens=3,ttft=5");
    const llm = new Kneepoint({ baseURL, apiKey: KEY, logger, concurrency: 8, cache: { store: redisCache(client), maxWait: 2000 } });
    let again;
    try {
      const ask = async (i) => (await llm.generate(`question ${i}`, MODEL)).timing.cache;
      const run = async (from) => Promise.all(Array.from({ length: 60 }, (_, i) => ask(from + i)));
      await run(0);
      // Killed while calls are under way.
      const during = run(100);
      await sleep(10);
      await server.kill();
      for (const use of await during) assert.equal(use, "miss");
      for (const use of await run(0)) assert.equal(use, "miss");
      assert.equal((await llm.stream("question 1", MODEL).result()).usage.outputTokens, 3);
      assert.equal(await requests(), 181);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0], /the cache fails/);
      again = await startRedis(server.port);
      await eventually(async () => (await ask(200)) === "hit", "it serves again");
      assert.equal(warnings.length, 1, warnings.join("\n"));
    } finally {
      llm.dispose();
      close();
      await again?.kill();
      await server.kill();
    }
  });

  test(`${name}: frozen it is waited for within the bound`, async () => {
    const server = await startRedis();
    const { client, close } = await connect(server.port);
    const { warnings, logger } = listener();
    const { baseURL } = upstream("tokens=3");
    const llm = new Kneepoint({ baseURL, apiKey: KEY, logger, cache: { store: redisCache(client), maxWait: 50 } });
    try {
      await llm.generate("before", MODEL);
      server.freeze();
      for (let i = 0; i < 3; i += 1) assert.equal((await llm.generate(`question ${i}`, MODEL)).timing.cache, "miss");
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0], /within 50 ms/);
    } finally {
      server.thaw();
      llm.dispose();
      close();
      await server.kill();
    }
  });
}
