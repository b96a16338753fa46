// What `openai` does since its seventh version, and did not before.

import { Readable } from "node:stream";

import { collect, events, json, plain, scripted } from "./scripted.mjs";

const messages = [{ role: "user", content: "Hello!" }];
const ask = { model: "m", messages };
const chunk = (delta, finish_reason = null, more = {}) => ({ id: "c1", choices: [{ index: 0, delta, finish_reason }], ...more });
const failure = (error) => [error.name, error.message, error.error ?? null, error.code ?? null];
const caught = (promise) => promise.then(() => "nothing thrown", (error) => error);
const answered = (...pieces) => pieces.map(({ item, ...more }) => ({ id: "r1", object: "response", status: "completed", output: [item].flat(), ...more }));
const said = (text, phase) => ({ type: "message", role: "assistant", content: [{ type: "output_text", text, annotations: [] }], ...(phase === undefined ? {} : { phase }) });
const schema = { name: "s", strict: true, schema: { type: "object" } };

/** What each program is called, and what it does. */
export const programs = [
  ["a streamed answer that begins with an empty text, and says no more", async (exports) => {
    const pieces = [chunk({ role: "assistant", content: "" }), chunk({}, "stop")];
    const { client } = scripted(exports, [() => events(pieces)]);
    return plain(await client.chat.completions.stream(ask).finalChatCompletion());
  }],
  ["what only fills chunks up is in the chunks, not in the answer", async (exports) => {
    const pieces = [chunk({ role: "assistant", content: "a" }, null, { obfuscation: "xy" }), chunk({}, "stop", { obfuscation: "z" })];
    const { client } = scripted(exports, [() => events(pieces)]);
    const seen = [];
    const stream = client.chat.completions.stream(ask).on("chunk", ({ obfuscation }) => seen.push(obfuscation));
    return [plain(await stream.finalChatCompletion()), seen];
  }],
  ["a schema that nobody has marked is parsed while it streams", async (exports) => {
    const told = [];
    for (const reason of ["stop", "length"]) {
      const pieces = [chunk({ role: "assistant", content: '{"a":' }), chunk({ content: "1}" }), chunk({}, reason)];
      const { client } = scripted(exports, [() => events(pieces)]);
      const stream = client.chat.completions.stream({ ...ask, response_format: { type: "json_schema", json_schema: schema } });
      stream.on("content.delta", ({ parsed }) => told.push(plain(parsed ?? null))).on("content.done", ({ parsed }) => told.push(parsed));
      const end = await caught(stream.finalMessage().then(({ parsed }) => told.push(parsed)));
      told.push(end instanceof Error && end.constructor.name);
    }
    return told;
  }],
  ["the tokens of each kind in all answers of a run", async (exports) => {
    const counts = [{ reasoning_tokens: 4, audio_tokens: 1 }, { reasoning_tokens: 5, odd: "x", text_tokens: 2 }];
    const call = { id: "1", type: "function", function: { name: "f", arguments: "{}" } };
    const answers = counts.map((completion_tokens_details, i) => () => json({
      id: "c1",
      usage: { completion_tokens: 6, prompt_tokens: 1, total_tokens: 7, completion_tokens_details, ...(i ? { prompt_tokens_details: { cached_tokens: 3 } } : {}) },
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", ...(i ? { content: "done" } : { content: null, tool_calls: [call] }) } }],
    }));
    const { client } = scripted(exports, answers);
    const tools = [{ type: "function", function: { name: "f", description: "", parameters: {}, function: () => "1" } }];
    return client.chat.completions.runTools({ ...ask, tools }).totalUsage();
  }],
  ["a run of tools whose streamed answer was cut calls nothing", async (exports) => {
    const calls = [];
    const tool_calls = [{ index: 0, id: "1", type: "function", function: { name: "f", arguments: "{" } }];
    const { client } = scripted(exports, [() => events([chunk({ role: "assistant", tool_calls }), chunk({}, "length")])]);
    const tools = [{ type: "function", function: { name: "f", description: "", parameters: {}, function: (text) => calls.push(text) } }];
    const end = await caught(client.chat.completions.runTools({ ...ask, tools, stream: true }).done());
    return [end.constructor.name, calls];
  }],
  ["log probabilities and a custom tool's input are told once", async (exports) => {
    const token = (name) => ({ content: [{ token: name, logprob: 0, bytes: null, top_logprobs: [] }], refusal: null });
    const told = (name) => ({ id: "c1", choices: [{ index: 0, delta: { role: "assistant", content: name }, logprobs: token(name), finish_reason: name === "b" ? "stop" : null }] });
    const call = (more, input) => ({ tool_calls: [{ index: 0, ...more, custom: { ...(more.id ? { name: "f" } : {}), input } }] });
    const calling = [chunk({ role: "assistant", ...call({ id: "1", type: "custom" }, "ab") }), chunk(call({}, "cd"), "tool_calls")];
    const { client } = scripted(exports, [() => events(["a", "b"].map(told)), () => events(calling)]);
    return [plain(await client.chat.completions.stream(ask).finalChatCompletion()), plain(await client.chat.completions.stream(ask).finalChatCompletion())];
  }],
  ["what is said on the way to an answer is not parsed", async (exports) => {
    const [whole] = answered({ item: [said("let me see", "commentary"), said('{"a":1}', "final_answer"), said('{"b":2}')] });
    const { client } = scripted(exports, [() => json(whole)]);
    const { output, output_parsed } = await client.responses.parse({ model: "m", input: "x", text: { format: { type: "json_schema", ...schema } } });
    return [output_parsed, plain(output)];
  }],
  ["a response that is parsed as the call says, or as the conversation was changed", async (exports) => {
    const [whole] = answered({ item: said('{"a":1}') });
    const format = { type: "json_schema", ...schema };
    const $parseRaw = (text) => ({ marked: JSON.parse(text) });
    const changed = (text) => ({ type: "configuration_update", text: { format: text } });
    const asked = { model: "m", input: "x" };
    const calls = [
      [asked, { parseAs: { ...format, $parseRaw } }],
      [{ ...asked, text: { format } }, { parseAs: null }],
      [{ ...asked, input: [changed({ type: "text" }), changed(format), { type: "configuration_update" }] }],
      [{ ...asked, text: { format }, input: [changed(format), changed({ type: "text" })] }],
      [{ ...asked, input: [changed({ type: "text" })] }, { parseAs: format }],
    ];
    const told = [];
    for (const [body, options] of calls) {
      const created = [{ type: "response.created", response: { ...whole, status: "in_progress", output: [] } }, { type: "response.completed", response: whole }];
      const { client, asked: requests } = scripted(exports, [() => json(whole), () => events(created)]);
      const { OpenAIError } = exports;
      const end = await (async () => client.responses.parse(body, options))().catch((error) => error instanceof OpenAIError);
      const stream = (async () => client.responses.stream(body, options).finalResponse())();
      told.push([end.output_parsed ?? end, (await stream.catch(() => end)).output_parsed, requests.map(({ init }) => JSON.parse(init.body))]);
    }
    return plain(told);
  }],
  ["calls of functions in a namespace", async (exports) => {
    const call = (name, namespace) => ({ type: "function_call", name, call_id: "1", arguments: '{"a":1}', ...(namespace ? { namespace } : {}) });
    const one = (name, more = {}) => ({ type: "function", name, parameters: {}, strict: true, ...more });
    const tools = [{ type: "namespace", name: "n", description: "", tools: [one("f"), one("open", { strict: false })] }, one("found", { defer_loading: true }), one("plain")];
    const output = [call("f", "n"), call("open", "n"), call("f"), call("plain"), call("plain", "n"), call("found", "found"), call("plain", "plain")];
    const { client } = scripted(exports, answered({ item: output }).map((whole) => () => json(whole)));
    return plain((await client.responses.parse({ model: "m", input: "x", tools })).output);
  }],
  ["an error that is named so, and an event without an end", async (exports) => {
    const bodies = ['event: error\ndata: {"message":"no","code":"c"}\n\n', `data: ${JSON.stringify(chunk({ content: "a" }, "stop"))}`];
    const { client } = scripted(exports, bodies.map((body) => () => new Response(body, { headers: { "content-type": "text/event-stream" } })));
    const stream = async () => collect(await client.chat.completions.create({ ...ask, stream: true }));
    const { message, code, error } = await caught(stream());
    return [message, code, error, await stream()];
  }],
  ["errors without a name for what they say", async (exports) => {
    const told = [];
    for (const body of [{}, [1], { a: 1 }, { message: "m", code: "c" }, { error: null, message: "m" }]) {
      const { client } = scripted(exports, [() => json(body, { status: 418 })]);
      told.push(failure(await caught(client.get("/x"))));
    }
    return told;
  }],
  ["embeddings as numbers, from a server that was asked for bytes", async (exports) => {
    const { client } = scripted(exports, [() => json({ object: "list", data: [{ index: 0, embedding: [1, 2] }] })]);
    return (await client.embeddings.create({ model: "m", input: "x" })).data;
  }],
  ["the name of a streamed answer's request", async (exports) => {
    const { client } = scripted(exports, [() => new Response(`data: ${JSON.stringify(chunk({ content: "a" }, "stop"))}\n\n`, { headers: { "content-type": "text/event-stream", "x-request-id": "r" } })]);
    const promise = client.chat.completions.create({ ...ask, stream: true });
    const { data, request_id } = await promise.withResponse();
    return [data._request_id, request_id, Object.keys(data).sort()];
  }],
  ["an iterator of a stream, used as a generator's", async (exports) => {
    const { client } = scripted(exports, [() => events([{ x: 1 }, { x: 2 }])]);
    const iterator = (await client.get("/x", { stream: true }))[Symbol.asyncIterator]();
    const first = await iterator.next();
    return [iterator[Symbol.asyncIterator]() === iterator, first, await caught(iterator.throw(new Error("why"))), await iterator.next()];
  }],
  ["connections whose clocks run out", async (exports) => {
    const { APIConnectionTimeoutError } = exports;
    const thrown = [
      new DOMException("gone", "AbortError"),
      Object.assign(new Error("too late"), { name: "TimeoutError" }),
      Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("Connect Timeout Error"), { code: "UND_ERR_CONNECT_TIMEOUT" }) }),
      Object.assign(new TypeError("fetch failed"), { cause: new Error("connect ETIMEDOUT 192.0.2.1:443") }),
      Object.assign(new TypeError("fetch failed"), { cause: new Error("connect ECONNREFUSED 192.0.2.1:443") }),
    ];
    const told = [];
    for (const one of thrown) {
      const { client } = scripted(exports, [() => Promise.reject(one)]);
      told.push(await caught(client.chat.completions.create(ask)) instanceof APIConnectionTimeoutError);
    }
    return told;
  }],
  ["answers of a fetch that are no responses of the platform's", async (exports) => {
    const said = { id: "c", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "x" } }] };
    const text = JSON.stringify(said);
    const head = (type, status = 200) => ({ ok: status < 300, status, headers: new Headers({ "content-type": type }) });
    const answers = [
      () => ({ ...head("application/json"), body: null, json: async () => said, text: async () => text }),
      () => ({ ...head("application/json"), json: async () => said, text: async () => text }),
      () => ({ ...head("application/json"), body: Readable.from([Buffer.from(text)]), json: async () => said, text: async () => text }),
      () => ({ ...head("application/json", 400), json: async () => ({}), text: async () => '{"error":{"message":"no"}}' }),
    ];
    const told = [];
    for (const answer of answers) {
      const { client } = scripted(exports, [answer]);
      const end = await client.chat.completions.create(ask).catch((error) => error);
      told.push([end.id ?? end.message, end.status]);
    }
    const lines = `data: ${JSON.stringify(chunk({ content: "a" }, "stop"))}\n\ndata: [DONE]\n\n`;
    const { client } = scripted(exports, [() => ({ ...head("text/event-stream"), body: Readable.from([Buffer.from(lines)]) })]);
    return [told, await collect(await client.chat.completions.create({ ...ask, stream: true }))];
  }],
  ["the type of JSON in capitals", async (exports) => {
    const { client } = scripted(exports, [() => new Response('{"id":"x"}', { headers: { "content-type": "Application/JSON" } })]);
    return client.get("/x");
  }],
  ["why a helper's call was taken back", async (exports) => {
    const { client } = scripted(exports, [() => json({})]);
    const tools = [{ type: "function", function: { name: "f", description: "", parameters: {}, function: () => 1 } }];
    const signal = AbortSignal.abort(new Error("why"));
    const end = await caught(client.chat.completions.runTools({ ...ask, tools }, { signal }).done());
    return [end.constructor.name, end.message, end.cause.message];
  }],
  ["a region in place of an address", async ({ OpenAI }) => {
    const client = new OpenAI({ apiKey: "sk-test", dataResidency: "eu" });
    const regions = ["global", "us", "eu", "ae", "au", "in", "jp", null];
    const others = [...regions.map((dataResidency) => client.withOptions({ dataResidency })), client.withOptions({ timeout: 5 })];
    const refused = [{ dataResidency: "xx" }, { dataResidency: "toString" }, { dataResidency: "eu", baseURL: "http://llm.test/v1" }].map((options) => {
      try {
        return new OpenAI({ apiKey: "sk-test", ...options }).baseURL;
      } catch (error) {
        return error instanceof OpenAI.OpenAIError;
      }
    });
    return [client.baseURL, others.map(({ baseURL }) => baseURL), refused];
  }],
  ["files with another name, type or time, and what addresses call them", async ({ toFile }) => {
    const given = new File(["f"], "own.txt", { type: "text/plain", lastModified: 5 });
    const foreign = { size: 1, type: "text/css", async text() { return "x"; }, slice() {}, async arrayBuffer() { return new Uint8Array([120]).buffer; } };
    const wanted = [[], ["own.txt"], ["other"], [""], [null, { type: "text/css" }], [null, { lastModified: 7 }], ["own.txt", { type: "text/plain" }]];
    const files = await Promise.all(wanted.map((more) => toFile(given, ...more)));
    const named = await Promise.all(["a%20b.css", "a%2", "a%0Ab", "a%250Ab", "a%22b", ""].map((name) => toFile({ url: `http://h.test/${name}`, blob: async () => foreign })));
    const more = [await toFile({ ...foreign, name: "n", lastModified: 5 }), await toFile(foreign), await toFile(new Blob(["b"], { type: "text/css" }), "")];
    const told = async (file) => [file.name, file.type, await file.text(), [5, 7].includes(file.lastModified) && file.lastModified];
    return [await Promise.all([...files, ...named, ...more].map(told)), files.map((file) => file === given)];
  }],
  ["the classes of pages, where a client's are", async ({ OpenAI }) => {
    const { CursorPage, ConversationCursorPage, Page } = OpenAI;
    return [CursorPage, ConversationCursorPage, Page].map(({ name }) => name);
  }],
];
