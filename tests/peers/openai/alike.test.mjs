// The same programs run on `openai` and on `kneepoint/openai`, and see the same.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as theirs from "openai";
import * as theirPages from "openai/core/pagination";
import { _iterSSEMessages as theirEvents, Stream as TheirStream } from "openai/streaming";

import { startServer } from "../sdk/server.mjs";
import { programs as kept } from "./kept.mjs";
import { programs as odd } from "./odd.mjs";
import { ourEvents, ours, OurStream } from "./package.mjs";
import { attemptsWithoutQuota, differences, errorOf, programs } from "./programs.mjs";
import { programs as scripted } from "./scripted.mjs";
import { programs as seventh } from "./seventh.mjs";
import { heir, programs as wrapped, rewrapped } from "./wrapped.mjs";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

/** What a program is given. Each package has an endpoint of its own, with the same script. */
function world({ default: OpenAI }, Stream, spec, name) {
  const base = `${server.http}/mock/${spec},queue=${name === "theirs" ? 100 : 101}/v1`;
  const client = new OpenAI({ apiKey: "sk-test", baseURL: base, logLevel: "off" });
  return { OpenAI, Stream, base, client, server: server.http };
}
const them = (spec) => world(theirs, TheirStream, spec, "theirs");
const us = (spec) => world(ours, OurStream, spec, "ours");

for (const [name, spec, program] of programs) {
  test(name, async () => assert.deepEqual(await program(us(spec)), await program(them(spec))));
}

const their = { ...theirs, ...theirPages, Stream: TheirStream, iterSSEMessages: theirEvents };
const our = { ...ours, Stream: OurStream, iterSSEMessages: ourEvents };
for (const [name, program] of [...scripted, ...kept, ...odd, ...seventh, ...wrapped]) {
  test(name, async () => assert.deepEqual(await program(our), await program(their)));
}

for (const { name, spec, theirs: expected, ours: own, isStream } of differences) {
  test(name, async () => {
    assert.equal(await errorOf(them(spec), isStream), await expected(them(spec)), "openai");
    assert.equal(await errorOf(us(spec), isStream), own, "kneepoint");
  });
}

test("an account without money is asked once", async () => {
  const spec = "fault=quota_429:1";
  assert.equal(await attemptsWithoutQuota(them(spec)), 3, "openai");
  assert.equal(await attemptsWithoutQuota(us(spec)), 1, "kneepoint");
});

test("a client that another one is made of", async () => {
  await assert.rejects(heir(their), TypeError, "openai");
  const [fields, key, changed, count] = await heir(our);
  assert.deepEqual(changed, fields.with(1, 7));
  assert.deepEqual([key, count], ["sk-test", 1]);
});

test("a promise without more, where a library answers one", async () => {
  await assert.rejects(rewrapped(their), TypeError, "openai");
  assert.deepEqual(await rewrapped(our), [{ a: 1 }, { a: 1 }]);
});

// `openai` waits without end here, so only the drop-in is asked.
for (const [where, event] of [["before the first content", 0], ["in the middle", 4]]) {
  test(`a stream that falls silent ${where} runs out of time`, async () => {
    const { OpenAI, base } = us(`tokens=9,fault=stall_mid@${event}:1`);
    const client = new OpenAI({ apiKey: "sk-test", baseURL: base, timeout: 150, maxRetries: 0 });
    const read = async () => {
      const messages = [{ role: "user", content: "Hello!" }];
      for await (const _ of await client.chat.completions.create({ model: "m", messages, stream: true }));
    };
    await assert.rejects(read, OpenAI.APIConnectionTimeoutError);
  });
}

test("a printed client does not tell its key, nor does a copy", async () => {
  const { inspect } = await import("node:util");
  const { client } = us("instant");
  for (const one of [client, client.chat, { ...client }]) {
    assert.ok(!`${inspect(one, { depth: 9, getters: true })}${JSON.stringify(one)}`.includes("sk-test"));
  }
});

test("the client for Azure can be imported, and says that it is not here", () =>
  assert.throws(() => new ours.AzureOpenAI({ apiKey: "x" }), { kind: "config", message: /baseURL/ }));

test("a retry is told of once, without the key", async () => {
  const lines = [];
  const log = (...words) => lines.push(JSON.stringify(words));
  const { OpenAI, base } = us("fault=status_500:0.5,seed=5,tokens=2");
  const logger = { debug: log, info: log, warn: log, error: log };
  const client = new OpenAI({ apiKey: "sk-canary", baseURL: base, logger, logLevel: "debug", maxRetries: 8 });
  const ask = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
  for (let i = 0; i < 8; i += 1) await client.chat.completions.create(ask);
  assert.equal(lines.filter((line) => line.includes("took")).length > 0, true);
  assert.ok(lines.length > 8 && !lines.join().includes("sk-canary"));
});

test("options that a call has not are told of once, and those that the client has anyway never", async () => {
  const told = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (line) => told.push(line) };
  const { OpenAI, base: baseURL } = us("tokens=2");
  const settings = { apiKey: "sk-test", baseURL, organization: undefined, dangerouslyAllowBrowser: true };
  const client = new OpenAI({ ...settings, logger });
  const ask = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
  for (const options of [settings, { ...settings, tools: [] }, { tools: [], baseURL: "http://other.test/v1" }, { tools: [] }]) {
    await client.chat.completions.create(ask, options);
  }
  assert.deepEqual(told, ["tools", "baseURL"].map((name) => `kneepoint: no option of a call is called ${name}`));
});

test("a file keeps the type of what it is made of", async () => {
  const blob = new Blob(["a {}"], { type: "text/css" });
  const foreign = { type: "text/css", arrayBuffer: () => blob.arrayBuffer() };
  for (const given of [blob, foreign, { url: "http://h.test/a.css", blob: async () => foreign }]) {
    const { type, size } = await ours.toFile(given, "a.css");
    assert.deepEqual([type, size], ["text/css", 4]);
  }
});
