// What goes over the wire of Node: compressed answers, and bodies that are no JSON.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { createBrotliCompress, createDeflate, createGzip } from "node:zlib";

import { ours } from "./package.mjs";

const PACKERS = { gzip: createGzip, "x-gzip": createGzip, deflate: createDeflate, br: createBrotliCompress };
const WORDS = ["one ", "two ", "three"];

let server;
let client;
/** The latest requests. */
const asked = [];
/** Called once the client has read the word before. */
let more = () => {};

before(async () => {
  server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
  client = new ours.OpenAI({ apiKey: "sk-test", baseURL, maxRetries: 0, timeout: 30_000 });
});
after(() => {
  client.dispose();
  server.close();
  server.closeAllConnections();
});

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  asked.push({ headers: request.headers, text: body.toString() });
  const encoding = request.headers["x-encoding"];
  if (request.headers["x-long"] !== undefined) response.setHeader("x-long", "a".repeat(Number(request.headers["x-long"])));
  if (encoding === undefined) {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ok: true }));
    return;
  }
  const isStreamed = JSON.parse(body).stream;
  response.setHeader("content-encoding", encoding);
  response.setHeader("content-type", isStreamed ? "text/event-stream" : "application/json");
  const packer = PACKERS[encoding]();
  packer.pipe(response);
  if (!isStreamed) {
    const message = { role: "assistant", content: "long ".repeat(50_000) };
    packer.end(JSON.stringify({ id: "1", object: "chat.completion", choices: [{ index: 0, finish_reason: "stop", message }] }));
    return;
  }
  for (const content of WORDS) {
    // The next word is said when the last one has been read: nothing may wait for the end.
    const read = new Promise((resolve) => (more = resolve));
    packer.write(`data: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`);
    packer.flush();
    await read;
  }
  packer.end(`data: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`);
}

const ask = { model: "m", messages: [{ role: "user", content: "Hello!" }] };

for (const encoding of Object.keys(PACKERS)) {
  test(`an answer packed as ${encoding} is unpacked, a stream as it comes`, async () => {
    const headers = { "x-encoding": encoding };
    const { choices } = await client.chat.completions.create(ask, { headers });
    assert.equal(choices[0].message.content.length, 250_000);
    const words = [];
    for await (const { choices: [choice] } of await client.chat.completions.create({ ...ask, stream: true }, { headers })) {
      if (choice.delta.content) words.push(choice.delta.content);
      more();
    }
    assert.deepEqual(words, WORDS);
  });
}

test("a packed answer that is left lets its connection go", async () => {
  const stream = await client.chat.completions.create({ ...ask, stream: true }, { headers: { "x-encoding": "gzip" } });
  for await (const _ of stream) break;
  more();
  assert.deepEqual(await client.get("/x"), { ok: true });
});

test("a response bears the server's words for its status", async () => {
  const { status, statusText } = await client.get("/x").asResponse();
  assert.deepEqual([status, statusText], [200, "OK"]);
});

test("an answer whose head is long is read", async () => {
  const { headers } = await client.get("/x", { headers: { "x-long": 60_000 } }).asResponse();
  assert.equal(headers.get("x-long").length, 60_000);
});

test("hooks and loggers are told where the call was made, also over a connection that another one opened", async () => {
  const place = new AsyncLocalStorage();
  const told = [];
  const tell = (what) => () => told.push(`${what} ${place.getStore()}`);
  const logger = { error() {}, warn() {}, info: tell("logger"), debug() {} };
  const watched = client.withOptions({ onAttempt: tell("hook"), logger, logLevel: "info" });
  for (const name of ["first", "second"]) {
    await place.run(name, () => watched.get("/x"));
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.deepEqual(told, ["hook first", "logger first", "hook second", "logger second"]);
});

test("forms, bytes and streams reach the server", async () => {
  const form = new FormData();
  form.set("file", new Blob(["hello"]), "a.txt");
  const bytes = new TextEncoder().encode("bytes");
  const stream = new Response("a stream").body;
  for (const body of [form, bytes, stream, new URLSearchParams({ a: "b" })]) {
    assert.deepEqual(await client.post("/upload", { body }), { ok: true });
  }
  const [ofForm, ofBytes, ofStream, ofParams] = asked.slice(-4);
  assert.match(ofForm.headers["content-type"], /^multipart\/form-data; boundary=/);
  assert.match(ofForm.text, /filename="a\.txt"[\s\S]*hello/);
  assert.deepEqual([ofBytes.text, ofBytes.headers["content-type"]], ["bytes", undefined]);
  assert.equal(ofStream.text, "a stream");
  assert.match(ofParams.headers["content-type"], /^application\/x-www-form-urlencoded/);
  assert.equal(ofParams.text, "a=b");
});

test("options of one request reach fetch, and the next request goes its usual way", async () => {
  assert.deepEqual(await client.get("/x", { fetchOptions: { keepalive: false } }), { ok: true });
  const { opened } = client.stats().connections;
  assert.deepEqual(await client.get("/x"), { ok: true });
  assert.ok(client.stats().connections.opened <= opened + 1);
});

test("the error of a lost connection names its code, and not the key", async () => {
  const nowhere = new ours.OpenAI({ apiKey: "sk-test", baseURL: "http://127.0.0.1:9/v1", maxRetries: 0 });
  const error = await nowhere.get("/x").catch((caught) => caught);
  assert.equal(error.cause.code, "ECONNREFUSED");
  const leaking = new ours.OpenAI({
    apiKey: "sk-test", maxRetries: 0,
    fetch: async (_, { headers }) => { throw new TypeError(`no luck with ${headers.get("authorization")}`); },
  });
  const told = await leaking.get("/x").catch((caught) => caught);
  assert.ok(!`${told.message} ${told.cause} ${told.stack}`.includes("sk-test"));
});
