// Programs that say what they want in odd ways, and servers that answer so.

import { runInNewContext } from "node:vm";

import { collect, events, json, plain, scripted } from "./scripted.mjs";

/** What each program is called, and what it does. */
export const programs = [
  ["events of assistants", async (exports) => {
    const lines = ["event: thread.run.created", 'data: {"id":"r"}', "", "event: thread.message.delta", 'data: {"delta":{"x":1}}', "",
      'data: {"id":"bare"}', "", "event: done", "data: [DONE]", "", ""];
    const { client } = scripted(exports, [() => new Response(lines.join("\n"), { headers: { "content-type": "text/event-stream" } })]);
    return collect(await client.post("/threads/t/runs", { body: { stream: true }, stream: true }));
  }],
  ["headers that are no texts", async (exports) => {
    const defaultHeaders = { "x-number": 3, "x-flag": true, "x-list": ["a", "b"], "x-none": null };
    const { client, asked } = scripted(exports, [() => json({ id: "x" })], { defaultHeaders });
    await client.get("/x", { headers: { "x-flag": false, "x-own": ["c", "d"] } });
    return ["x-number", "x-flag", "x-list", "x-none", "x-own"].map((name) => asked[0].headers.get(name));
  }],
  ["what things are called", async (exports) => {
    const { client } = scripted(exports, [() => events([{ id: "x" }])]);
    const asking = client.post("/x", { body: {}, stream: true });
    return [asking.constructor.name, (await asking).constructor.name, exports.Stream.name, exports.APIError.name];
  }],
  ["things of another realm", async (exports) => {
    const thrown = runInNewContext('Object.assign(new TypeError("fetch failed"), { cause: { code: "ECONNREFUSED" } })');
    const chunk = { id: "x", choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] };
    const echo = async ({ body }) => {
      const pieces = [];
      for await (const piece of body) pieces.push(typeof piece === "string" ? piece : new TextDecoder().decode(piece));
      return json({ pieces });
    };
    const answers = [() => events([chunk]), echo, () => { throw thrown; }];
    const { client, asked } = scripted(exports, answers);
    const items = await collect(await client.chat.completions.create(runInNewContext('({ model: "m", messages: [], stream: true })')));
    const sent = await client.post("/x", { body: runInNewContext('(async function* () { yield "a"; yield "b"; })()') });
    const failed = await client.get("/x", { query: runInNewContext("({ a: { b: 1 } })") }).catch((error) => error);
    return [items, plain(sent), failed.constructor.name, asked.at(-1).url];
  }],
  ["options that are null", async (exports) => {
    const none = Object.fromEntries(["timeout", "maxRetries", "defaultHeaders", "defaultQuery", "fetchOptions", "logger"].map((name) => [name, null]));
    const { client, asked } = scripted(exports, [() => json({ id: "x" })], none);
    const one = { maxRetries: null, headers: null, query: null, signal: null, idempotencyKey: null };
    return [await client.get("/x", one), client.timeout, client.maxRetries, asked.length];
  }],
];
