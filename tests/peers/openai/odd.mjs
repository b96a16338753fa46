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
  ["lists of no values, bodies that are none, forms", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ id: "x" })], { defaultHeaders: { "x-a": "1", "x-b": "2" } });
    await client.get("/x", { headers: { "x-a": [], authorization: [], "x-b": ["3", "4"] } });
    for (const body of [null, "", 0, false]) await client.post("/x", { body });
    const form = { headers: { "Content-Type": "application/x-www-form-urlencoded" } };
    for (const body of [{ a: "b c", d: [1, { e: "é" }], n: null }, 5, "a=b"]) await client.post("/x", { body, ...form });
    const names = ["x-a", "x-b", "authorization", "content-type"];
    return asked.map(({ headers, init }) => [init.body ?? null, ...names.map((name) => headers.get(name))]);
  }],
  ["paths and parameters that URLs know better", async (exports) => {
    const defaultQuery = { q: "1", list: [1, { a: "b" }], day: new Date(0), none: null, deep: { x: { y: "z" } } };
    const { client, asked } = scripted(exports, [() => json({ id: "x" })], { defaultQuery });
    for (const path of ["/ä b", "/x#part", "/x?", "/a\\b", "/x%20y/%2F", "//x;p=1", "/x/../y/./z", "/x/..", "/.x/..y"]) await client.get(path);
    await client.get("/x?q=own&y=1&y=2", { query: { y: 3, more: { v: "w" } } });
    await client.get("http://other.test/ö?q=own", { query: { z: ["é"] } });
    return asked.map(({ url }) => [url.split("?")[0], [...new URL(url).searchParams].sort()]);
  }],
  ["what an error says of itself, whatever it is", async (exports) => {
    const bodies = ['{"error":{"message":"","code":"c"}}', '{"error":{"message":{"a":1}}}', '{"error":"words"}', '{"error":[1]}', '{"error":7}', "{}", ""];
    const told = bodies.map(async (body) => {
      const { client } = scripted(exports, [() => new Response(body, { status: 418 })]);
      const error = await client.get("/x").catch((caught) => caught);
      return [error.error ?? null, error.code ?? null, error.requestID, body === "{}" ? null : error.message];
    });
    const long = JSON.stringify({ error: { message: "m".repeat(9000), code: "c", type: "t", param: "p" } });
    const { client } = scripted(exports, [() => new Response(long, { status: 400 })]);
    const { code, type, param } = await client.get("/x").catch((caught) => caught);
    return [await Promise.all(told), code, type, param];
  }],
  ["an answer that says that it is no error", async (exports) => {
    const message = { role: "assistant", content: "Hi" };
    const whole = { id: "x", error: false, choices: [{ index: 0, finish_reason: "stop", message }] };
    const chunk = { id: "x", error: "", choices: [{ index: 0, delta: message, finish_reason: "stop" }] };
    const { client } = scripted(exports, [() => json(whole), () => events([chunk])]);
    const ask = { model: "m", messages: [] };
    return [await client.chat.completions.create(ask), await collect(await client.chat.completions.create({ ...ask, stream: true }))];
  }],
  ["a server that has words for what the client puts together", async (exports) => {
    const part = { type: "output_text", text: "Hi", annotations: [] };
    const response = { id: "r", object: "response", status: "completed", output: [{ type: "message", content: [part] }], output_text: "own" };
    const list = '{"object":"list","data":[{"id":"a"}],"__proto__":{"hasNextPage":1}}';
    const page = () => new Response(list, { headers: { "content-type": "application/json" } });
    const { client } = scripted(exports, [() => json(response), page]);
    const { output_text } = await client.responses.create({ model: "m", input: "x" });
    return [output_text, await collect(client.models.list())];
  }],
  ["a response as the server worded it", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ id: "x" }, { status: 201, statusText: "Made" }), () => new Response(null, { status: 204 })]);
    const { status, statusText } = await client.get("/x").asResponse();
    await client.responses.delete("r");
    await client.responses.delete("r", { headers: { accept: "text/plain" } });
    return [status, statusText, asked.map(({ headers }) => headers.get("accept"))];
  }],
  ["a stream that breaks after an event without content", async (exports) => {
    const lines = [{ role: "assistant", content: "a" }, {}, { tool_calls: [] }].map((delta) => `data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta }] })}\n\n`);
    const broken = () => new Response(new ReadableStream({
      async pull(controller) {
        // Each comes by itself.
        await new Promise((resolve) => setTimeout(resolve));
        const line = lines.shift();
        controller.enqueue(new TextEncoder().encode(line ?? 'data: {"error":{"message":"no"}}\n\n'));
        if (line === undefined) controller.close();
      },
    }), { headers: { "content-type": "text/event-stream" } });
    const { client } = scripted(exports, [broken]);
    const stream = await client.chat.completions.create({ model: "m", messages: [], stream: true });
    const deltas = [];
    const error = await (async () => {
      for await (const { choices } of stream) deltas.push(choices[0].delta);
    })().catch((caught) => caught);
    return [deltas, error.message, stream.controller.signal.aborted];
  }],
  ["a stream that is left with a word", async (exports) => {
    const { client } = scripted(exports, [() => events([{ x: 1 }, { x: 2 }])]);
    const iterator = (await client.get("/x", { stream: true }))[Symbol.asyncIterator]();
    return [await iterator.next(), await iterator.return("left"), await iterator.next()];
  }],
  ["the chunk that cuts an answer which was to be parsed", async (exports) => {
    const chunk = (delta, finish_reason = null) => ({ id: "c", choices: [{ index: 0, delta, finish_reason, logprobs: null }] });
    const { client } = scripted(exports, [() => events([chunk({ role: "assistant", content: "{" }), chunk({}, "length")])]);
    const tool = { type: "function", function: { name: "f", strict: true, parameters: {} } };
    const stream = client.chat.completions.stream({ model: "m", messages: [], tools: [tool] });
    const told = [];
    for (const name of ["chunk", "content", "error", "end"]) stream.on(name, () => told.push(name));
    return [await stream.done().catch((error) => error.constructor.name), told];
  }],
  ["streams made by hand", async ({ Stream, iterSSEMessages }) => {
    const source = (pieces) => new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const response = (...pieces) => Object.defineProperty(new Response(null, { headers: { "x-request-id": "r" } }), "body", { value: source(pieces) });
    const read = async (items, controller, only) => {
      const seen = [];
      const error = await (async () => {
        for await (const item of items) if (seen.push(plain(item)) === only) break;
      })().catch((caught) => caught);
      return [seen, error?.constructor.name, error?.requestID, controller.signal.aborted];
    };
    const lines = (text, only) => {
      const controller = new AbortController();
      return read(Stream.fromReadableStream(source([new TextEncoder().encode(text)]), controller), controller, only);
    };
    const named = (text, only) => {
      const controller = new AbortController();
      return read(Stream.fromSSEResponse(response(...text), controller, undefined, true), controller, only);
    };
    const texts = ["event: e\ndata: {\"a\"", ":\"é\"}\n\n", "data: 2\n\n"];
    return [
      await lines('1\r{"a":2}\r\n3\n'), await lines('1\n{"a":2}\n{bad\n4\n'), await lines("1\n2\n", 1),
      await named(texts), await named(texts, 1), await named([...texts, 'data: {"error":{"message":"no"}}\n\n']),
      await named([...texts, "data: [DONE]\n\ndata: 3\n\n"]), await named([...texts, "data: [DONE] soon\n\ndata: 3\n\n"]),
      await collect(iterSSEMessages(response(...texts), new AbortController())),
    ];
  }],
];
