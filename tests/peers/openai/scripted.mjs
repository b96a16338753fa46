// Programs whose server is a script: each takes what the package exports and answers what it saw.

export const json = (value, init = {}) =>
  new Response(JSON.stringify(value), { ...init, headers: { "content-type": "application/json", ...init.headers } });
export const events = (items) =>
  new Response(items.map((item) => `data: ${JSON.stringify(item)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });

/** A client whose requests are answered by these in turn, and what was asked. */
export function scripted({ OpenAI }, answers, options = {}) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url: String(url), method: init.method, headers: new Headers(init.headers), init });
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer(init);
  };
  const settings = { apiKey: "sk-test", baseURL: "http://llm.test/v1", logLevel: "off", maxRetries: 0, fetch };
  return { client: new OpenAI({ ...settings, ...options }), asked };
}

export const plain = (value) => JSON.parse(JSON.stringify(value));

/** What an object tells under these names, in the order in which it does. */
function heard(source, names) {
  const all = [];
  for (const name of names) source.on(name, (...args) => all.push([name, ...plain(args.map(messageOf))]));
  return all;
}
const messageOf = (value) => (value instanceof Error ? value.message : value);

export async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(plain(item));
  return items;
}

const bodies = (asked) => asked.map(({ init }) => JSON.parse(init.body));

const said = (message, more = {}) => ({
  id: "c1", object: "chat.completion", created: 1, model: "m",
  choices: [{
    index: 0, logprobs: null, finish_reason: message.tool_calls ? "tool_calls" : "stop",
    message: { role: "assistant", content: null, refusal: null, ...message },
  }],
  ...more,
});
const usage = (tokens) => ({ usage: { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens } });
const called = (name, args, id = "1") => ({ id, type: "function", function: { name, arguments: args } });

/** An answer as the request wants it: whole, or piece by piece. */
const answering = (completion) => ({ body }) => {
  if (!JSON.parse(body).stream) return json(completion);
  const { content, tool_calls = [] } = completion.choices[0].message;
  const chunk = (delta, finish_reason = null, more = {}) =>
    ({ id: completion.id, object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason, logprobs: null }], ...more });
  const chunks = [chunk({ role: "assistant", content: "" })];
  for (const piece of content?.match(/\S+\s*/g) ?? []) chunks.push(chunk({ content: piece }));
  tool_calls.forEach(({ id, function: { name, arguments: text } }, index) => {
    chunks.push(chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }));
    for (const piece of text.match(/.{1,4}/g) ?? []) chunks.push(chunk({ tool_calls: [{ index, function: { arguments: piece } }] }));
  });
  chunks.push(chunk({}, completion.choices[0].finish_reason));
  if (completion.usage) chunks.push({ ...chunk({}), choices: [], usage: completion.usage });
  return events(chunks);
};

const RUN = [
  "connect", "message", "chatCompletion", "functionToolCall", "functionToolCallResult", "finalContent", "finalMessage",
  "finalChatCompletion", "finalFunctionToolCall", "finalFunctionToolCallResult", "totalUsage", "error", "abort", "end",
];

const clock = {
  type: "function",
  function: { function: function clock() { return "noon"; }, parameters: {}, description: "Tells the time." },
};
const add = {
  type: "function",
  function: {
    name: "add", parameters: { type: "object" }, description: "Adds.",
    parse: (text) => {
      const value = JSON.parse(text);
      if (!Array.isArray(value.terms)) throw new TypeError("no terms");
      return value;
    },
    function: ({ terms }) => ({ sum: terms.reduce((sum, term) => sum + term, 0) }),
  },
};
const broken = {
  type: "function",
  function: { function: function broken() { throw new Error("it is broken"); }, parameters: {}, description: "Breaks." },
};
const leaving = {
  type: "function",
  function: { function: (_, runner) => (runner.abort(), "left"), name: "leave", parameters: {}, description: "Leaves." },
};

/** Lets tools run, and tells all that was seen. */
async function toolRun(exports, answers, body, options, stream) {
  const { client, asked } = scripted(exports, answers.map(answering));
  const messages = [{ role: "user", content: "Hello!" }];
  const run = client.chat.completions.runTools({ model: "m", messages, ...body, ...(stream ? { stream } : {}) }, options);
  const seen = heard(run, RUN);
  const failure = await run.done().then(() => "none", ({ constructor: { name }, message }) => [name === "KneepointError" ? "OpenAIError" : name, message]);
  const calls = bodies(asked);
  return [failure, seen, calls, plain(run.messages), run.allChatCompletions().length, run.errored, run.aborted, run.ended];
}

const TOOL_RUNS = [
  ["a tool is called", [said({ tool_calls: [called("clock", "")] }), said({ content: "It is noon." })], { tools: [clock] }],
  ["a tool with a parser, and what was used",
    [said({ tool_calls: [called("add", '{"terms":[1,2]}')] }, usage(3)), said({ content: "3" }, usage(4))], { tools: [add] }],
  ["arguments that cannot be parsed",
    [said({ tool_calls: [called("add", '{"a":1}')] }), said({ content: "Sorry." })], { tools: [add] }],
  ["a tool that nobody knows", [said({ tool_calls: [called("time", "")] }), said({ content: "Well." })], { tools: [clock, add] }],
  ["several calls at once",
    [said({ tool_calls: [called("clock", "", "a"), called("add", '{"terms":[]}', "b")] }), said({ content: "Both." })],
    { tools: [clock, add] }],
  ["several calls in turn",
    [said({ tool_calls: [called("clock", "", "a"), called("add", '{"terms":[]}', "b")] }), said({ content: "Both." })],
    { tools: [clock, add], parallel_tool_calls: false }],
  ["one tool that must be called", [said({ tool_calls: [called("clock", "")] })],
    { tools: [clock, add], tool_choice: { type: "function", function: { name: "clock" } } }],
  ["a tool that throws", [said({ tool_calls: [called("broken", "")] })], { tools: [broken] }],
  ["a tool that ends the run", [said({ tool_calls: [called("leave", "")] }), said({ content: "Never." })], { tools: [leaving] }],
  ["tools without an end", [said({ tool_calls: [called("clock", "")] })], { tools: [clock] }, { maxChatCompletions: 3 }],
];

const response = (more = {}) => ({
  id: "resp_1", object: "response", created_at: 0, model: "m", output: [], error: null, incomplete_details: null,
  instructions: null, metadata: null, parallel_tool_calls: false, temperature: null, tools: [], top_p: null,
  status: "in_progress", usage: null, ...more,
});
const item = (more = {}) => ({ id: "msg_1", type: "message", role: "assistant", status: "in_progress", content: [], ...more });
const numbered = (list) => list.map((event, sequence_number) => ({ ...event, sequence_number }));
const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
const text = (whole) => ({ type: "output_text", annotations: [], text: whole });
const spoken = (...pieces) => {
  const whole = text(pieces.join(""));
  const done = item({ status: "completed", content: [whole] });
  return numbered([
    { type: "response.created", response: response() },
    { type: "response.output_item.added", output_index: 0, item: item() },
    { type: "response.content_part.added", ...at, part: text("") },
    ...pieces.map((delta) => ({ type: "response.output_text.delta", ...at, delta, logprobs: [] })),
    { type: "response.output_text.done", ...at, text: whole.text, logprobs: [] },
    { type: "response.content_part.done", ...at, part: whole },
    { type: "response.output_item.done", output_index: 0, item: done },
    { type: "response.completed", response: response({ status: "completed", output: [done] }) },
  ]);
};
const callItem = (args, status) => ({ id: "fc_1", type: "function_call", call_id: "c", name: "add", arguments: args, status });
const calling = numbered([
  { type: "response.created", response: response() },
  { type: "response.output_item.added", output_index: 0, item: callItem("", "in_progress") },
  ...['{"a"', ":1}"].map((delta) => ({ type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 0, delta })),
  { type: "response.function_call_arguments.done", item_id: "fc_1", output_index: 0, name: "add", arguments: '{"a":1}' },
  { type: "response.output_item.done", output_index: 0, item: callItem('{"a":1}', "completed") },
  { type: "response.completed", response: response({ status: "completed", output: [callItem('{"a":1}', "completed")] }) },
]);

/** Marks a format as the SDK's helpers for schemas do. */
const marked = (format) =>
  Object.defineProperties(format, {
    $brand: { value: format.json_schema ? "auto-parseable-response-format" : "auto-parseable-response-format" },
    $parseRaw: { value: (raw) => JSON.parse(raw) },
  });

async function responseRun(exports, list, body) {
  const { client } = scripted(exports, [() => events(list)]);
  const stream = client.responses.stream({ model: "m", input: "Hello!", ...body });
  const names = ["connect", "event", "response.output_text.delta", "response.function_call_arguments.delta", "response.completed", "end"];
  const seen = heard(stream, names);
  const final = await stream.finalResponse();
  return [plain(final), seen, final.output_text];
}

/** What each program is called, and what it does. */
export const programs = [
  ...TOOL_RUNS.flatMap(([name, answers, body, options]) =>
    [false, true].map((stream) => [
      `tools: ${name}${stream ? ", streamed" : ""}`, (exports) => toolRun(exports, answers, body, options, stream),
    ])),
  ["tools: context, a word after each completion, events that are read", async (exports) => {
    const { client } = scripted(exports, [said({ tool_calls: [called("who", "{}")] }), said({ content: "You." })].map(answering));
    const seen = [];
    const who = { type: "function", function: { name: "who", parse: JSON.parse, parameters: {}, description: "Who?", function: (args, _, context) => (seen.push([args, context]), null) } };
    const run = client.chat.completions.runTools(
      { model: "m", messages: [], tools: [who], toolContext: { me: 1 } },
      { afterCompletion: ({ id }, { messages }) => void seen.push([id, messages.length]) },
    );
    const messages = [];
    for await (const [message] of run.events("message")) messages.push(plain(message));
    return [seen, messages];
  }],
  ["a stream whose content means something before it is whole", async (exports) => {
    const { client } = scripted(exports, [answering(said({ content: '{"city": "Bern", "list": [1, 2, {"a": "b"}], "ok": true}' }))]);
    const schema = { name: "plan", strict: true, schema: { type: "object" } };
    const stream = client.chat.completions.stream({ model: "m", messages: [], response_format: marked({ type: "json_schema", json_schema: schema }) });
    const seen = heard(stream, ["content.delta", "content.done"]);
    return [plain(await stream.finalChatCompletion()), seen];
  }],
  ["a content that means something after each character", async (exports) => {
    const whole = JSON.stringify({ 'a"b\\': ["\\u0041\\", "é\n\"", { deep: [[], {}] }], no: null, yes: true, not: false, n: [-1.5e3, 12], "": "end" }).replace("é", "\\u00e9");
    const chunks = [...whole].map((content, at) => ({
      id: "c", object: "chat.completion.chunk", created: 1, model: "m",
      choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: at + 1 === whole.length ? "stop" : null, logprobs: null }],
    }));
    const { client } = scripted(exports, [() => events(chunks)]);
    const format = marked({ type: "json_schema", json_schema: { name: "all", strict: true, schema: {} } });
    const stream = client.chat.completions.stream({ model: "m", messages: [], response_format: format });
    const seen = heard(stream, ["content.delta"]);
    await stream.done();
    return seen;
  }],
  ["a response, streamed", (exports) => responseRun(exports, spoken("Hel", "lo"), {})],
  ["a response that calls a function", (exports) =>
    responseRun(exports, calling, { tools: [{ type: "function", name: "add", strict: true, parameters: {} }] })],
  ["a response that is parsed", (exports) =>
    responseRun(exports, spoken('{"a":', "1}"), { text: { format: marked({ type: "json_schema", name: "x", schema: {}, strict: true }) } })],
  ["a response that is looked up, stopped, forgotten", async (exports) => {
    const whole = response({ status: "completed", output: [item({ content: [text("Hi")] })] });
    const { client, asked } = scripted(exports, [() => json(whole), () => json(whole), () => new Response(null, { status: 204 })]);
    const found = await client.responses.retrieve("resp_1", { include: ["a", "b"] });
    await client.responses.cancel("resp_1");
    await client.responses.delete("resp_1");
    return [found.output_text, asked.map(({ method, url }) => [method, url])];
  }],
  ["a response's events from the middle", async (exports) => {
    const { client, asked } = scripted(exports, [() => events(spoken("Hel", "lo"))]);
    const stream = client.responses.stream({ response_id: "resp_1", starting_after: 3 });
    const seen = heard(stream, ["event"]).map(([, event]) => event.sequence_number);
    const { output_text } = await stream.finalResponse();
    return [output_text, seen, asked[0].method, asked[0].url];
  }],
  ["a stream of another path", async (exports) => {
    const { client } = scripted(exports, [() => events([{ x: 1 }, { y: [2] }])]);
    const posted = await client.post("/somewhere/else", { body: { a: 1 }, stream: true });
    return [await collect(posted), await collect(await client.get("/somewhere", { stream: true }))];
  }],
  ["what is sent", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ ok: true })]);
    const form = new FormData();
    form.set("a", "1");
    const reading = (texts) => (async function* () { for (const one of texts) yield new TextEncoder().encode(one); })();
    for (const [body, headers] of [[{ a: 1 }], ["text"], ["a b", { "content-type": "text/plain" }], [new Uint8Array([104, 105])], [new URLSearchParams({ a: "1" })], [form], [new Blob(["hi"])], [new Response("abc").body], [reading(["d", "e"])]]) {
      await client.post("/x", { body, ...(headers ? { headers } : {}) });
    }
    const sent = asked.map(async ({ headers, init: { body } }) => {
      const isForm = body instanceof FormData;
      return [headers.get("content-type"), isForm ? [...body] : await new Response(body).text()];
    });
    return Promise.all(sent);
  }],
  ["options of one request", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ ok: true })], { fetchOptions: { cache: "no-store", keepalive: true }, defaultHeaders: { "x-a": "1", "x-b": "1" } });
    await client.get("/x", { fetchOptions: { cache: "reload" }, headers: { "X-A": null, "x-c": "3" }, query: { a: { b: [1, 2] }, c: "d e" } });
    await client.get("https://other.test/y");
    await client.get("/z", Promise.resolve({ query: { n: null } }));
    return asked.map(({ url, headers, init }) => [url, init.cache, init.keepalive, ["x-a", "x-b", "x-c"].map((name) => headers.get(name))]);
  }],
  ["a base of one request", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ ok: true })], { baseURL: null });
    await client.get("/x", { defaultBaseURL: "http://base.test/v2" });
    return [asked[0].url, client.baseURL];
  }],
  ["addresses", async (exports) => {
    const { client } = scripted(exports, [], { baseURL: "http://h.test/v1/", defaultQuery: { q: "1" } });
    return [
      client.buildURL("/a", null), client.buildURL("/a?b=2", { c: { d: "e f" }, g: ["h", "i"], n: null, u: undefined }),
      client.buildURL("https://other.test/z", { q: undefined }),
      client.buildURL("/l", { l: [{ b: 1 }, { b: 2 }, null, undefined, "a[]b", [2, 3]], d: [new Date(0)], e: [], f: { g: [{ h: ["i"] }], j: {} }, "k[]": 1, m: true }),
    ];
  }],
  ["a base with parameters", async (exports) => {
    const seen = [];
    const bases = ["http://h.test/v1?api-version=1", "http://h.test/v1/?api-version=1&a=b+c%20d#top", "http://h.test/v1?a=1&a=2"];
    for (const baseURL of bases) {
      const { client, asked } = scripted(exports, [() => json({ data: [] })], { baseURL, defaultQuery: { q: "1" } });
      await client.get("/x");
      await client.get("/x", { query: { "api-version": "2", q: "3" } });
      await client.get("/x?api-version=4");
      await client.get("http://other.test/x");
      const changed = client.withOptions({ maxRetries: 1 });
      await changed.models.list();
      await client.withOptions({ baseURL: "http://i.test/v1" }).get("/x");
      // In which order they come is nobody's concern.
      const urls = [...asked.map(({ url }) => url), client.buildURL("/y", { z: "5" })].map((url) => new URL(url));
      seen.push(changed.baseURL.replace(/#.*/, ""), urls.map(({ pathname, searchParams }) => [pathname, [...searchParams].sort()]));
    }
    process.env.OPENAI_BASE_URL = "http://j.test/v1?api-version=6";
    try {
      const { client, asked } = scripted(exports, [() => json({ data: [] })], { baseURL: undefined });
      await client.get("/x");
      return [seen, client.baseURL, asked[0].url];
    } finally {
      delete process.env.OPENAI_BASE_URL;
    }
  }],
  ["levels that there are not", async (exports) =>
    ["loud", "", 5, null].map((logLevel) => {
      const lines = [];
      const logger = { error() {}, warn: (line) => lines.push(line), info() {}, debug() {} };
      return [scripted(exports, [], { logger, logLevel }).client.logLevel, lines];
    })],
  ["what a client tells of itself, and lets be changed", async (exports) => {
    const lines = [];
    const logger = { error() {}, warn: (line) => lines.push(line), info() {}, debug() {} };
    const given = { apiKey: "a", organization: "o", project: "p", webhookSecret: "w" };
    const { client, asked } = scripted(exports, [() => json({ ok: true })], { ...given, logger });
    const fields = () => [client.apiKey, client.organization, client.project, client.webhookSecret, client.logger.warn("heard") ?? lines.length, client.maxRetries, client.timeout];
    const before = fields();
    Object.assign(client, { apiKey: "k", organization: "o2", project: null, maxRetries: 7, timeout: 5000, logLevel: "off" });
    await client.get("/x");
    const { headers } = asked[0];
    return [before, fields(), client.logLevel, ["authorization", "openai-organization", "openai-project"].map((name) => headers.get(name)), given];
  }],
  ["variables of the environment", async (exports) => {
    const set = { OPENAI_CUSTOM_HEADERS: "x-one: 1\nX-Two: 2", OPENAI_LOG: "loud", OPENAI_ADMIN_KEY: "admin", OPENAI_WEBHOOK_SECRET: "hook" };
    Object.assign(process.env, set);
    try {
      const lines = [];
      const logger = { error() {}, warn: (line) => lines.push(line), info() {}, debug() {} };
      const { client, asked } = scripted(exports, [() => json({ ok: true })], { logger, logLevel: undefined, defaultHeaders: { "x-two": "two" } });
      await client.get("/x");
      const { headers } = asked[0];
      return [headers.get("x-one"), headers.get("x-two"), client.logLevel, lines, client.adminAPIKey, client.webhookSecret];
    } finally {
      for (const name of Object.keys(set)) delete process.env[name];
    }
  }],
  ["errors' words", async (exports) => {
    const seen = [];
    for (const answer of [json({ error: { message: "no", code: "c", param: "p", type: "t" } }, { status: 400 }), new Response("plain words", { status: 404 }), new Response("", { status: 422 })]) {
      const { client } = scripted(exports, [() => answer]);
      const error = await client.get("/x").catch((caught) => caught);
      seen.push([error.constructor.name, error.message, error.status, error.code, error.param, error.type, plain(error.error ?? null)]);
    }
    const { client } = scripted(exports, [() => events([{ error: { message: "inside", code: "i" } }])]);
    const stream = client.chat.completions.create({ model: "m", messages: [], stream: true });
    const inside = await stream.then(collect).catch((caught) => caught);
    return [seen, inside.constructor.name, inside.message, inside.code, inside.status];
  }],
  ["events one by one", async ({ Stream, iterSSEMessages }) => {
    const body = "event: a\n\nevent: b\r\ndata: {\"x\":\rdata:1}\n\n: hi\n\ndata: é\n\ndata: cut";
    const bytes = new TextEncoder().encode(body);
    const chunks = () => new Response(new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += 3) controller.enqueue(bytes.slice(i, i + 3));
        controller.close();
      },
    }));
    const all = await collect(iterSSEMessages(chunks(), new AbortController()));
    const controller = new AbortController();
    const empty = await collect(Stream.fromSSEResponse(new Response(null), controller)).catch(() => "an error");
    const named = new Response('event: e\ndata: {"a":1}\n\n');
    return [all.map(({ event, data }) => [event, data]), empty, controller.signal.aborted,
      await collect(Stream.fromSSEResponse(named, new AbortController(), undefined, true))];
  }],
];
