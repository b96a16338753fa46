// Small programs as people write them for `openai`. Each takes what the package exports and an
// address, and answers what it saw.

const ask = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
const streamed = { ...ask, stream: true, stream_options: { include_usage: true } };

const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

/** What two runs cannot have in common. */
function plain(value) {
  return JSON.parse(
    JSON.stringify(value, (key, inner) => (["id", "created", "created_at"].includes(key) ? typeof inner : inner)),
  );
}

async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(plain(item));
  return items;
}

async function failure(work) {
  try {
    await work();
    return "none";
  } catch (error) {
    return { class: error.constructor.name, status: error.status, code: error.code ?? null };
  }
}

/** What each program is called, the spec of its endpoint, and what it does. */
export const programs = [
  ["a completion", "tokens=9,seed=1,ttft=0,tpot=0", async ({ client }) => plain(await client.chat.completions.create(ask))],
  ["a stream", "tokens=9,seed=1,ttft=0,tpot=0,chunk=2", async ({ client }) =>
    collect(await client.chat.completions.create(streamed))],
  ["a tool's call", "instant", async ({ client }) => {
    const whole = await client.chat.completions.create({ ...ask, tools: [weather] });
    const chunks = await collect(await client.chat.completions.create({ ...streamed, tools: [weather] }));
    return [whole.choices[0].message.tool_calls[0].function, chunks.length];
  }],
  ["the names of requests", "instant", async ({ client }) => {
    const { data, response, request_id } = await client.chat.completions.create(ask).withResponse();
    return [
      Object.keys(data).includes("_request_id"),
      data._request_id === request_id,
      request_id === response.headers.get("x-request-id"),
      response.status,
    ];
  }],
  ["a response, whole", "tokens=3,seed=1", async ({ client }) => {
    const response = await client.chat.completions.create(ask).asResponse();
    return [response.status, response.bodyUsed, plain(await response.json())];
  }],
  ["a response, streamed", "tokens=3,seed=1,chunk=1", async ({ client }) => {
    const response = await client.chat.completions.create(streamed).asResponse();
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    return lines.map((line) => (line.startsWith("data: {") ? plain(JSON.parse(line.slice(6))) : line));
  }],
  ["a stream is read once", "instant", async ({ client, OpenAI }) => {
    const stream = await client.chat.completions.create(streamed);
    const first = (await collect(stream)).length;
    try {
      await collect(stream);
      return "twice";
    } catch (error) {
      return [first, error instanceof OpenAI.OpenAIError];
    }
  }],
  ["a stream that is left", "tokens=50,tpot=5", async ({ client }) => {
    const stream = await client.chat.completions.create(streamed);
    for await (const _ of stream) break;
    return stream.controller.signal.aborted;
  }],
  ["a stream that is aborted ends", "tokens=50,tpot=5", async ({ client }) => {
    const stream = await client.chat.completions.create(streamed);
    let seen = 0;
    for await (const _ of stream) if (++seen === 3) stream.controller.abort();
    return seen < 50;
  }],
  ["two branches", "tokens=4,seed=2", async ({ client }) => {
    const [left, right] = (await client.chat.completions.create(streamed)).tee();
    return Promise.all([collect(left), collect(right)]);
  }],
  ["there and back", "tokens=4,seed=2", async ({ client, Stream }) => {
    const stream = await client.chat.completions.create(streamed);
    return collect(Stream.fromReadableStream(stream.toReadableStream(), new AbortController()));
  }],
  ["somebody else's response", "tokens=4,seed=2", async ({ base, Stream }) => {
    const response = await fetch(`${base}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(streamed),
    });
    return collect(Stream.fromSSEResponse(response, new AbortController()));
  }],
  ["the helper", "tokens=6,seed=3,chunk=1", async ({ client }) => {
    const stream = client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } });
    const events = [];
    for (const name of ["connect", "chunk", "content", "content.done", "finalContent", "end"]) {
      stream.on(name, () => events.push(name));
    }
    const deltas = [];
    stream.on("content.delta", ({ delta, snapshot }) => deltas.push([delta, snapshot]));
    const usage = await stream.totalUsage();
    return [
      plain(await stream.finalChatCompletion()),
      await stream.finalContent(),
      (await stream.finalMessage()).role,
      usage.completion_tokens,
      deltas,
      events,
    ];
  }],
  ["the helper and a tool", "instant", async ({ client }) => {
    const stream = client.chat.completions.stream({ ...ask, tools: [weather] });
    const seen = [];
    stream.on("tool_calls.function.arguments.delta", ({ arguments_delta }) => seen.push(arguments_delta));
    stream.on("tool_calls.function.arguments.done", ({ name, arguments: text }) => seen.push([name, text]));
    const { name, arguments: text } = await stream.finalFunctionToolCall();
    return [seen.at(-1), seen.slice(0, -1).join(""), name, text];
  }],
  ["the helper, read", "tokens=4,seed=2", async ({ client }) =>
    collect(client.chat.completions.stream(ask))],
  ["the helper, aborted", "tokens=50,tpot=20", async ({ client }) => {
    const stream = client.chat.completions.stream(ask);
    stream.once("content", () => stream.abort());
    return [await failure(() => stream.done()), stream.aborted];
  }],
  ["an event that is waited for", "tokens=4,seed=2", async ({ client }) => {
    const stream = client.chat.completions.stream(ask);
    const content = await stream.emitted("finalContent");
    await stream.done();
    return content;
  }],
  ["completions", "tokens=4,seed=2", async ({ client }) => [
    plain(await client.completions.create({ model: "m", prompt: "x" })),
    await collect(await client.completions.create({ model: "m", prompt: "x", stream: true })),
  ]],
  ["embeddings", "instant", async ({ client }) => {
    const packed = await client.embeddings.create({ model: "m", input: ["a"], dimensions: 8 });
    const open = await client.embeddings.create({
      model: "m", input: ["a"], dimensions: 8, encoding_format: "float",
    });
    return [packed, open].map((list) => list.data[0].embedding.map((x) => Math.round(x * 1e4)));
  }],
  ["models", "instant", async ({ client }) => {
    const page = await client.models.list();
    const ids = (await collect(client.models.list())).map((model) => model.object);
    return [page.data.length, page.hasNextPage(), ids, (await client.models.retrieve("kneepoint-small")).object];
  }],
  ["responses", "tokens=4,seed=2", async ({ client }) => {
    const whole = await client.responses.create({ model: "m", input: "Hello!" });
    const events = await collect(await client.responses.create({ model: "m", input: "Hello!", stream: true }));
    return [whole.output_text, events.map(({ type }) => type)];
  }],
  ["a raw post", "tokens=4,seed=2", async ({ client }) =>
    plain(await client.post("/chat/completions", { body: ask }))],
  ["a raw get", "instant", async ({ client }) => (await client.get("/models")).object],
  ["parsed", "instant", async ({ client }) => {
    const schema = {
      type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"], additionalProperties: false,
    };
    const answer = await client.chat.completions.parse({
      ...ask,
      response_format: { type: "json_schema", json_schema: { name: "plan", strict: true, schema } },
    });
    return answer.choices[0].message.parsed;
  }],
  ["aborted before", "instant", async ({ client }) =>
    failure(() => client.chat.completions.create(ask, { signal: AbortSignal.abort() }))],
  ["aborted on the way", "ttft=60000", async ({ client }) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    return failure(() => client.chat.completions.create(ask, { signal: controller.signal }));
  }],
  ["out of time", "ttft=60000", async ({ client }) =>
    failure(() => client.chat.completions.create(ask, { timeout: 50, maxRetries: 0 }))],
  ["no server", "instant", async ({ OpenAI }) => {
    const nowhere = new OpenAI({ apiKey: "sk-test", baseURL: "http://127.0.0.1:9/v1", maxRetries: 0 });
    return failure(() => nowhere.chat.completions.create(ask));
  }],
  ...[400, 401, 403, 404, 409, 422, 429, 500, 503].map((status) => [
    `status ${status}`, `fault=status_${status}:1`, async ({ client }) =>
      failure(() => client.chat.completions.create(ask, { maxRetries: 0 })),
  ]),
  ["an error in a stream", "tokens=9,fault=sse_error_mid@4:1", async ({ client, OpenAI }) => {
    const stream = await client.chat.completions.create(streamed);
    try {
      await collect(stream);
      return "none";
    } catch (error) {
      return error instanceof OpenAI.APIError;
    }
  }],
  ["retries", "fault=status_500:0.5,seed=5,tokens=2", async ({ client }) =>
    (await client.chat.completions.create(ask, { maxRetries: 8 })).object],
  ["what a fetch of one's own sees", "instant", async ({ OpenAI, base }) => {
    const seen = [];
    const client = new OpenAI({
      apiKey: "sk-test",
      baseURL: base,
      organization: "org",
      project: null,
      defaultHeaders: { "x-a": "1", "x-b": "2" },
      defaultQuery: { q: "1" },
      fetch: (url, init) => {
        const { method, headers, body } = init;
        const names = ["authorization", "content-type", "x-a", "x-b", "openai-organization"];
        seen.push([new URL(url).search, method, names.map((name) => new Headers(headers).get(name)), body]);
        return fetch(url, init);
      },
    });
    await client.chat.completions.create(ask, {
      headers: { "x-b": null }, query: { r: "2" },
    });
    return seen;
  }],
  ["properties", "instant", async ({ client }) => {
    const other = client.withOptions({ maxRetries: 5, timeout: 1000 });
    return [client.maxRetries, other.maxRetries, other.timeout, other.baseURL === client.baseURL,
      client.buildURL("/foo", { a: "b" }).replace(client.baseURL, ""), client.apiKey];
  }],
  ["a key that is asked for", "instant", async ({ OpenAI, base }) => {
    const client = new OpenAI({ apiKey: async () => "sk-asked", baseURL: base });
    return (await client.models.list()).data.length > 0;
  }],
  ["no key", "instant", async ({ OpenAI }) => {
    const { OPENAI_API_KEY } = process.env;
    delete process.env.OPENAI_API_KEY;
    try {
      new OpenAI();
      return "none";
    } catch (error) {
      return error instanceof OpenAI.OpenAIError;
    } finally {
      if (OPENAI_API_KEY !== undefined) process.env.OPENAI_API_KEY = OPENAI_API_KEY;
    }
  }],
];

/**
 * Where the two part on purpose: the spec, what is done, and what comes of it in each. Of a broken body
 * `openai` says what `fetch` says, and that is nothing before Node 22.
 */
export const differences = [
  ["a stream that stops in the middle is an error", "tokens=9,fault=fin_mid@3:1", errorOfFetch, "APIConnectionError"],
  ["a page of HTML is no answer", "fault=html_200:1", () => "none", "APIError"],
  ["nothing is no answer", "fault=empty_200:1", () => "none", "APIError"],
].map(([name, spec, theirs, ours]) => ({ name, spec, theirs, ours, isStream: !spec.includes("_200") }));

/** Runs one of the differences and names the error that comes of it. */
export async function errorOf({ client }, isStream) {
  try {
    const answer = await client.chat.completions.create(isStream ? streamed : ask, { maxRetries: 0 });
    if (isStream) await collect(answer);
    return "none";
  } catch (error) {
    return error.constructor.name;
  }
}

/** Names the error that the runtime's own `fetch` makes of the same. */
async function errorOfFetch({ base }) {
  try {
    const reply = await fetch(`${base}/chat/completions`, { method: "POST", body: JSON.stringify(streamed) });
    await reply.text();
    return "none";
  } catch (error) {
    return error.constructor.name;
  }
}

/** Counts what an account without money costs. */
export async function attemptsWithoutQuota({ client, server }) {
  const spec = new URL(client.baseURL).pathname.split("/")[2];
  await client.chat.completions.create(ask, { maxRetries: 2 }).catch(() => {});
  return (await (await fetch(`${server}/mock/${spec}/stats`)).json()).requests;
}
