// What becomes of calls whose server goes away and comes back.

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { certificate } from "../../certificate/certificate.mjs";
import { entry } from "./package.mjs";

// Nobody has signed the certificate; Node says once that it is not looked at.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const { default: OpenAI } = await import(pathToFileURL(entry).href);

const ASK = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
const ANSWER = JSON.stringify({ id: "c", choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] });
const AT_ONCE = 100;
/** Answers that have earned a retry of each call that is in flight. */
const EARNED = 14 * AT_ONCE;

const protocols = {
  http: { scheme: "http", create: (answer) => createServer(answer) },
  "HTTP/2": { scheme: "https", create: (answer) => createSecureServer(certificate, answer) },
};

/** A server that answers as many requests as have earned it, lets the next ones wait, goes away once they are all
 * there, and comes back a moment later to answer whatever comes. */
async function serve({ scheme, create }) {
  const sockets = new Set();
  let [requests, port] = [0, 0];
  let standing;
  const stand = async () => {
    standing = create((_, reply) => {
      requests += 1;
      const hasFallen = requests > EARNED + AT_ONCE;
      if (requests <= EARNED || hasFallen) reply.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
      else if (requests === EARNED + AT_ONCE) void fall().then(() => pause(300)).then(stand);
    });
    standing.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
    });
    standing.on("session", (session) => session.on("error", () => {}));
    await once(standing.listen(port, "127.0.0.1"), "listening");
    port = standing.address().port;
  };
  const fall = async () => {
    const closed = once(standing, "close");
    standing.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await stand();
  return { baseURL: `${scheme}://127.0.0.1:${port}/v1`, fall, requests: () => requests };
}

for (const [name, protocol] of Object.entries(protocols)) {
  test(`no call is lost while a server starts anew: ${name}`, async () => {
    const { baseURL, fall, requests } = await serve(protocol);
    const client = new OpenAI({ baseURL, apiKey: "k", concurrency: AT_ONCE, adaptive: false, logLevel: "off" });
    const calls = Array.from({ length: EARNED + 3 * AT_ONCE }, () => client.chat.completions.create(ASK));
    const answers = await Promise.all(calls);
    assert.ok(answers.every((answer) => answer.choices[0].message.content === "Hi"));
    assert.equal(requests(), calls.length + AT_ONCE, "what waited for its answer was sent once more");
    client.dispose();
    await fall();
  });
}

test("whoever waits for a connection learns from the first that fails", async () => {
  const { baseURL, fall } = await serve(protocols.http);
  await fall();
  let tried = 0;
  const count = () => (tried += 1);
  subscribe("net.client.socket", count);
  const client = new OpenAI({ baseURL, apiKey: "k", concurrency: AT_ONCE, adaptive: false, maxRetries: 0, logLevel: "off" });
  const calls = Array.from({ length: AT_ONCE }, () => client.chat.completions.create(ASK));
  for (const { reason } of await Promise.allSettled(calls)) assert.match(reason.message, /could not connect.*ECONNREFUSED/);
  unsubscribe("net.client.socket", count);
  assert.ok(tried > 0 && tried < AT_ONCE / 2, `${tried} connections were tried`);
  client.dispose();
});
