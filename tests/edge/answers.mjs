// What visitors get who ask for something that there is.

import assert from "node:assert/strict";

import { ask, eventsOf, generate, open } from "./visitor.mjs";
import { eventually } from "./world.mjs";

export const answers = {
  async "a prompt in the address and one in the body are answered alike"(world) {
    const { origin } = await world.main();
    const { prompt } = world.rules("tokens=5");
    const { response, headers } = await generate(origin, prompt());
    assert.ok(response.length > 5, response);
    assert.equal(headers["cache-control"], "private, no-store");
    const posted = await ask(origin, "/generate", { body: JSON.stringify({ prompt: prompt() }) });
    assert.deepEqual(posted.json, { response });
  },

  async "Anthropic's models are asked in their own words"(world) {
    const { origin, board } = await world.main();
    const { prompt, truth } = world.rules("tokens=5");
    await generate(origin, prompt(), { path: "/generate_claude" });
    assert.equal((await truth()).completed, 1);
    const { url, body } = board.latest();
    assert.deepEqual([url, body.model, body.max_tokens], ["/v1/messages", "m", 512]);
    assert.match(body.system, /helpful/);
    assert.deepEqual(body.messages, [{ role: "user", content: prompt() }]);
  },

  async "each answer says how long it took, and the log does too"(world) {
    const { origin, log } = await world.main();
    const { prompt } = world.rules("ttft=30,tokens=2");
    const { headers } = await generate(origin, prompt());
    const metrics = Object.fromEntries(headers["server-timing"].split(", ").map((metric) => metric.split(";")));
    assert.deepEqual(Object.keys(metrics).sort(), ["attempts", "first", "queue", "total"]);
    assert.equal(metrics.attempts, 'desc="1"');
    assert.ok(Number(metrics.total.slice(4)) >= Number(metrics.first.slice(4)), headers["server-timing"]);
    const lines = () => log().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
    const line = await eventually(() => lines().at(-1), "a line of the log");
    assert.deepEqual([line.method, line.path, line.status, line.attempts], ["POST", "/generate", 200, 1]);
    assert.ok(!log().includes(prompt()), "prompts are not logged");
  },

  async "a batch is answered in its order, each prompt by itself"(world) {
    const { origin } = await world.main();
    const { prompt } = world.rules("ttft=ln:20:1,tokens=4");
    const refused = world.rules("fault=status_400");
    const prompts = Array.from({ length: 20 }, (_, i) => (i % 7 === 3 ? refused : { prompt }).prompt(`question ${i}`));
    const { status, json } = await ask(origin, "/batch", { body: JSON.stringify({ prompts }) });
    assert.equal(status, 200);
    assert.equal(json.results.length, prompts.length);
    for (const [i, result] of json.results.entries()) {
      if (i % 7 === 3) assert.equal(result.error.code, "prompt_refused", `${i}`);
      // Answers differ from prompt to prompt, and are kept: the same words must come again.
      else assert.equal(result.response, (await generate(origin, prompts[i])).response, `${i}`);
    }
  },

  async "a batch holds no more connections than a Worker may"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("ttft=10,tokens=1");
    const prompts = Array.from({ length: 40 }, (_, i) => prompt(`${i}`));
    await ask(origin, "/batch", { body: JSON.stringify({ prompts }) });
    const { completed, in_flight_max } = await truth();
    assert.equal(completed, 40);
    assert.ok(in_flight_max <= 6, `${in_flight_max} at once`);
  },

  async "a stream comes as it is written, and ends with what it cost"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("ttft=5,tpot=60,tokens=8");
    const response = await open(origin, `/stream?prompt=${encodeURIComponent(prompt())}`).answer;
    assert.equal(response.headers["content-type"], "text/event-stream");
    let [text, last] = ["", undefined];
    for await (const event of eventsOf(response)) {
      if (text === "") assert.equal((await truth()).in_flight, 1, "the first piece is here before the last is written");
      if (event.name === "message") text += event.data.text;
      last = event;
    }
    assert.equal(last.name, "done");
    assert.deepEqual([last.data.attempts, last.data.usage.outputTokens], [1, 8]);
    assert.ok(text.length > 8, text);
  },

  async "a stream is kept, and its first header tells where it comes from"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("tokens=5");
    const streamed = async (headers) => {
      const { answer } = open(origin, `/stream?prompt=${encodeURIComponent(prompt())}`, { headers });
      let text = "";
      for await (const { data } of eventsOf(await answer)) text += data.text ?? "";
      return [(await answer).headers["x-cache"], text];
    };
    const [first, again] = [await streamed(), await streamed()];
    assert.deepEqual([first[0], again], ["miss", ["hit", first[1]]]);
    assert.equal((await streamed({ "cache-control": "no-cache" }))[0], "bypass");
    assert.equal((await truth()).requests, 2);
  },

  async "a stream that breaks off says so"(world) {
    const { origin } = await world.main();
    const { prompt } = world.rules("tpot=5,tokens=20,fault=fin_mid@900");
    const response = await open(origin, `/stream?prompt=${encodeURIComponent(prompt())}`).answer;
    const events = [];
    for await (const event of eventsOf(response)) events.push(event);
    assert.equal(events[0].name, "message");
    assert.equal(events.at(-1).name, "error");
    assert.equal(events.at(-1).data.error.code, "upstream_failed");
  },

  async "a thousand requests by a hundred visitors with fifty prompts cost fifty calls"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("ttft=30,tokens=6");
    const said = new Map();
    const seen = {};
    let asked = 0;
    const visitor = async () => {
      while (asked < 1000) {
        const question = prompt(`question ${asked++ % 50}`);
        const { response, cache } = await generate(origin, question);
        seen[cache] = (seen[cache] ?? 0) + 1;
        assert.equal(said.get(question) ?? response, response, "nobody gets the answer to another question");
        said.set(question, response);
      }
    };
    await Promise.all(Array.from({ length: 100 }, visitor));
    const { requests, completed } = await truth();
    assert.deepEqual([requests, completed], [50, 50]);
    assert.equal(new Set(said.values()).size, 50);
    assert.equal(seen.miss, 50, JSON.stringify(seen));
    assert.equal(seen.miss + seen.shared + seen.hit, 1000, JSON.stringify(seen));
  },

  async "answers are kept apart by what was asked of whom"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("tokens=5");
    const caches = [];
    for (const path of ["/generate", "/generate_claude", "/generate", "/generate_claude"]) {
      caches.push((await generate(origin, prompt(), { path })).cache);
    }
    assert.deepEqual(caches, ["miss", "miss", "hit", "hit"]);
    const fresh = await generate(origin, prompt(), { headers: { "cache-control": "no-cache" } });
    assert.equal(fresh.cache, "bypass");
    assert.equal((await truth()).requests, 3);
  },

  async "connections to the model's server are kept"(world) {
    const { origin, board } = await world.endpoint({ CACHE_SECONDS: "0" });
    const { prompt, truth } = world.rules("tokens=3");
    for (let i = 0; i < 20; i += 1) await generate(origin, prompt());
    assert.equal((await truth()).requests, 20);
    assert.equal(board.connections(), 1);
  },

  async "an endpoint tells of its health"(world) {
    const { origin } = await world.main();
    const { status, json } = await ask(origin, "/health", { method: "GET" });
    assert.deepEqual([status, json.status], [200, "ok"]);
  },
};
