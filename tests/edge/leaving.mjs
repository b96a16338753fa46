// What becomes of the calls of visitors who leave, and of those who stay.

import assert from "node:assert/strict";

import { ask, eventsOf, exchange, generate, open } from "./visitor.mjs";
import { eventually } from "./world.mjs";

const at = (path, prompt) => `${path}?prompt=${encodeURIComponent(prompt)}`;

/** Answers take so long that only their being taken back explains that they end. */
const ENDLESS = "ttft=9000,tokens=2";

export const leaving = {
  async "who leaves takes the call along"(world) {
    const { origin } = await world.main();
    for (const path of ["/generate", "/generate_claude", "/stream"]) {
      const { prompt, truth } = world.rules(ENDLESS);
      const visitor = open(origin, at(path, prompt()));
      await eventually(async () => (await truth()).in_flight === 1, `${path}: the call is under way`);
      visitor.leave();
      const { completed } = await eventually(async () => {
        const now = await truth();
        return now.in_flight === 0 && now;
      }, `${path}: the call is taken back`);
      assert.equal(completed, 0, path);
    }
  },

  async "who leaves a stream takes the rest of it along"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("tpot=20,tokens=2000");
    const visitor = open(origin, at("/stream", prompt()));
    const events = eventsOf((await visitor.answer).on("error", () => {}));
    for (let i = 0; i < 3; i += 1) await events.next();
    visitor.leave();
    await events.next().catch(() => {});
    await eventually(async () => (await truth()).aborted === 1, "the stream is taken back");
  },

  async "who leaves takes the rest of a batch along"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules(ENDLESS);
    const prompts = Array.from({ length: 20 }, (_, i) => prompt(`${i}`));
    const visitor = open(origin, "/batch", { body: JSON.stringify({ prompts }) });
    await eventually(async () => (await truth()).in_flight === 6, "the batch is under way");
    visitor.leave();
    const { requests } = await eventually(async () => {
      const now = await truth();
      return now.in_flight === 0 && now;
    }, "the batch is taken back");
    assert.equal(requests, 6);
  },

  async "who leaves takes nothing from those who wait for the same answer"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("ttft=1500,tokens=4");
    const calls = async () => (await ask(origin, "/health", { method: "GET" })).json.calls;
    const before = await calls();
    // The first one's call is what the others wait for.
    const first = open(origin, at("/generate", prompt()));
    await eventually(async () => (await truth()).in_flight === 1, "the call is under way");
    const others = Array.from({ length: 5 }, () => generate(origin, prompt()));
    const second = open(origin, at("/generate", prompt()));
    await eventually(async () => (await calls()) === before + 7, "all of them wait");
    first.leave();
    second.leave();
    const answers = await Promise.all(others);
    assert.equal(new Set(answers.map(({ response }) => response)).size, 1);
    const { requests, completed } = await truth();
    assert.deepEqual([requests, completed], [1, 1]);
  },

  async "nor where the call that they share has to be tried again"(world) {
    const { origin, board } = await world.endpoint();
    const { prompt, truth } = world.rules("tokens=4");
    const question = `again ${prompt()}`;
    const calls = async () => (await ask(origin, "/health", { method: "GET" })).json.calls;
    const first = open(origin, at("/generate", question));
    await eventually(() => board.latest(), "the first attempt has been refused");
    const others = Array.from({ length: 5 }, () => generate(origin, question));
    await eventually(async () => (await calls()) === 6, "all of them wait");
    first.leave();
    await Promise.all(others);
    const { requests, completed } = await truth();
    assert.deepEqual([requests, completed], [1, 1]);
  },

  async "places that visitors leave are free again"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules(ENDLESS);
    const visitors = Array.from({ length: 30 }, (_, i) => open(origin, at("/generate", prompt(`${i}`))));
    await eventually(async () => (await truth()).in_flight > 0, "calls are under way");
    for (const visitor of visitors) await eventually(() => visitor.isSent(), "the request is sent");
    for (const visitor of visitors) visitor.leave();
    const quick = world.rules("tokens=2");
    await Promise.all(Array.from({ length: 50 }, (_, i) => generate(origin, quick.prompt(`${i}`))));
    await eventually(async () => (await truth()).in_flight === 0, "nothing is left under way");
  },

  async "who leaves is told of once in the log, and as one who left"(world) {
    const { origin, log } = await world.endpoint();
    const lines = () => log().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const told = (count) => eventually(() => lines().length >= count && lines(), `${count} lines of the log`);
    const { prompt } = world.rules("tpot=20,tokens=2000");
    const before = lines().length;
    const visitor = open(origin, at("/stream", prompt()));
    await eventsOf((await visitor.answer).on("error", () => {})).next();
    visitor.leave();
    await told(before + 1);
    const half = 'POST /generate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{"prompt';
    await exchange(origin, half, { leaves: true });
    await told(before + 2);
    await ask(origin, "/health", { method: "GET" });
    const [stream, body, health] = (await told(before + 3)).slice(before).map(({ path, status }) => `${path} ${status}`);
    assert.deepEqual([stream, body, health], ["/stream 499", "/generate 499", "/health 200"]);
  },
};
