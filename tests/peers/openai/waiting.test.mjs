// What calls make of the time that they wait for a connection.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import { connect, createServer as createPlainServer } from "node:net";
import { pathToFileURL } from "node:url";
import { test } from "node:test";

import { certificate } from "../../certificate/certificate.mjs";
import { entry } from "./package.mjs";

// Nobody has signed the certificate; Node says once that it is not looked at.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const { default: OpenAI } = await import(pathToFileURL(entry).href);

const ASK = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
const ANSWER = Buffer.from(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] }));
const AT_ONCE = 160;
const ANSWER_MS = 300;
/** Connections that open at a time, and how long that takes. */
const OPENING = 16;
const OPENING_MS = 150;

/** Sends requests over connections that come about slowly, to a server that takes equally long for each of them. */
class Slow {
  free = 0;
  waiting = [];

  constructor() {
    this.timer = setInterval(() => this.give(OPENING), OPENING_MS);
  }

  give(connections) {
    this.free += connections;
    while (this.free > 0 && this.waiting.length > 0) {
      this.free -= 1;
      this.waiting.shift()();
    }
  }

  dispatch(_, handler) {
    this.waiting.push(() => {
      const controller = { abort() {}, pause() {}, resume() {} };
      handler.onRequestStart(controller, {});
      setTimeout(() => {
        handler.onResponseStart(controller, 200, { "content-type": "application/json" }, "OK");
        handler.onResponseData(controller, ANSWER);
        handler.onResponseEnd(controller, {});
        this.give(1);
      }, ANSWER_MS);
    });
    this.give(0);
    return true;
  }
}

test("waiting for connections is not taken for a slow server", async (t) => {
  const dispatcher = new Slow();
  const client = new OpenAI({ apiKey: "k", baseURL: "http://localhost/v1", fetchOptions: { dispatcher }, concurrency: AT_ONCE });
  t.after(() => clearInterval(dispatcher.timer));
  await Promise.all(Array.from({ length: 6 * AT_ONCE }, () => client.chat.completions.create(ASK)));
  assert.equal(client.stats().models[0].limit, AT_ONCE);
});

/** A server of HTTP/1.1 behind a door that lets each connection in after a time, and counts those that wait. */
async function far(t, openMs) {
  const seen = { now: 0, most: 0 };
  const server = createServer(certificate, (request, response) => {
    const answer = () => response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    request.resume().on("end", () => setTimeout(answer, ANSWER_MS));
  });
  const door = createPlainServer((outer) => {
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    setTimeout(() => {
      seen.now -= 1;
      const inner = connect(server.address().port, "127.0.0.1");
      for (const [from, to] of [[outer, inner], [inner, outer]]) from.on("error", () => to.destroy()).pipe(to);
    }, openMs);
  });
  for (const listener of [server, door]) {
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
  }
  t.after(() => {
    door.close();
    server.closeAllConnections();
    server.close();
  });
  return { baseURL: `https://localhost:${door.address().port}/v1`, seen };
}

test("connections over a long way are opened beside each other, and not all at once", async (t) => {
  const { baseURL, seen } = await far(t, 600);
  const client = new OpenAI({ apiKey: "k", baseURL, concurrency: 600, adaptive: false });
  t.after(() => client.dispose());
  await Promise.all(Array.from({ length: 600 }, () => client.chat.completions.create(ASK)));
  assert.ok(seen.most > 100 && seen.most <= 256, `${seen.most} were opening at once`);
});
