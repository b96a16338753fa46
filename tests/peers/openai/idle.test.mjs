// What becomes of calls over connections that their server has closed while they were idle.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { entry } from "./package.mjs";

const { default: OpenAI } = await import(pathToFileURL(entry).href);

const ASK = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
const ANSWER = JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] });
/** Calls that meet such connections; twice as many of these are there. */
const CALLS = 6;
const IDLE_MS = 150;

/** A server that closes connections which were idle for too long. Word of it crosses with the next request: from
 * here that looks as if it were closed when that comes. */
async function forgetful(t) {
  const left = new Map();
  const server = createServer((_, reply) => {
    const { socket } = reply;
    if (performance.now() - left.get(socket) > IDLE_MS) return void socket.destroy();
    setTimeout(() => {
      reply.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
      left.set(socket, performance.now());
    }, 100);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}/v1`;
}

test("a call that met one such connection meets no other", async (t) => {
  const client = new OpenAI({ apiKey: "k", baseURL: await forgetful(t), logLevel: "off" });
  const calls = (count) => Promise.all(Array.from({ length: count }, () => client.chat.completions.create(ASK)));
  await calls(2 * CALLS);
  assert.equal(client.stats().connections.open, 2 * CALLS);
  await pause(2 * IDLE_MS);
  await calls(CALLS);
  assert.equal(client.stats().retries, CALLS);
});
