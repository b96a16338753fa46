// What calls make of the time that they wait for a connection.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { test } from "node:test";

import { entry } from "./package.mjs";

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
