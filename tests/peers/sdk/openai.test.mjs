// The official `openai` package makes its ordinary calls against the simulated endpoint.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import OpenAI from "openai";

import { startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

const client = (spec, options = {}) =>
  new OpenAI({ apiKey: "sk-test", baseURL: `${server.http}/mock/${spec}/v1`, maxRetries: 0, ...options });
const messages = [{ role: "user", content: "Hello!" }];
const stats = async (spec) => (await fetch(`${server.http}/mock/${spec}/stats`)).json();

const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city", "days"],
      additionalProperties: false,
    },
  },
};

test("a chat completion, with usage and request id", async () => {
  const answer = await client("tokens=20").chat.completions.create({ model: "m", messages, max_tokens: 5 });
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.equal(answer.usage.completion_tokens, 5);
  assert.ok(answer._request_id);
});

test("a streamed chat completion says the same as one in one piece", async () => {
  const ask = { model: "m", messages };
  const whole = await client("tokens=20,seed=4").chat.completions.create(ask);
  let text = "";
  let usage;
  const stream = await client("tokens=20,seed=4,chunk=1").chat.completions.create({
    ...ask,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, 20);
});

test("the streaming helper collects text, usage and the final completion", async () => {
  const stream = client("tokens=9,chunk=2").chat.completions.stream({
    model: "m",
    messages,
    stream_options: { include_usage: true },
  });
  const final = await stream.finalChatCompletion();
  assert.equal(final.choices[0].message.content, await stream.finalContent());
  assert.equal((await stream.totalUsage()).completion_tokens, 9);
});

test("a tool call, whole and streamed, and the answer after the tool's", async () => {
  const ask = { model: "m", messages, tools: [weather] };
  const whole = await client("instant").chat.completions.create(ask);
  const call = whole.choices[0].message.tool_calls[0];
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "sample", days: 1 });
  const streamed = await client("instant").chat.completions.stream(ask).finalChatCompletion();
  assert.deepEqual(
    streamed.choices[0].message.tool_calls[0].function.arguments,
    call.function.arguments,
  );
  const after = await client("instant").chat.completions.create({
    ...ask,
    messages: [
      ...messages,
      whole.choices[0].message,
      { role: "tool", tool_call_id: call.id, content: "sunny" },
    ],
  });
  assert.equal(after.choices[0].finish_reason, "stop");
});

test("structured output fits its schema", async () => {
  const schema = {
    type: "object",
    properties: { steps: { type: "array", items: { type: "string" } }, ok: { type: "boolean" } },
    required: ["steps", "ok"],
    additionalProperties: false,
  };
  const answer = await client("instant").chat.completions.create({
    model: "m",
    messages,
    response_format: { type: "json_schema", json_schema: { name: "plan", strict: true, schema } },
  });
  assert.deepEqual(JSON.parse(answer.choices[0].message.content), { steps: ["sample"], ok: true });
});

test("completions, whole and streamed", async () => {
  const api = client("tokens=6,seed=2,tpot=0");
  const whole = await api.completions.create({ model: "m", prompt: "x" });
  assert.equal(whole.usage.completion_tokens, 6);
  let count = 0;
  for await (const chunk of await api.completions.create({ model: "m", prompt: "x", stream: true })) {
    count += chunk.choices[0]?.text ? 1 : 0;
  }
  assert.equal(count, 6);
});

test("embeddings, in the encoding that the package asks for and in plain numbers", async () => {
  const api = client("instant");
  const ask = { model: "m", input: ["a", "b"], dimensions: 16 };
  const packed = await api.embeddings.create(ask);
  const plain = await api.embeddings.create({ ...ask, encoding_format: "float" });
  assert.equal(packed.data.length, 2);
  packed.data.forEach(({ embedding }, index) =>
    embedding.forEach((x, place) => assert.ok(Math.abs(x - plain.data[index].embedding[place]) < 1e-6)),
  );
});

test("responses, whole and streamed, with a function call", async () => {
  const api = client("tokens=8,reasoning=3");
  const whole = await api.responses.create({ model: "m", input: "Hello!" });
  assert.equal(whole.status, "completed");
  assert.ok(whole.output_text.length > 0);
  const stream = api.responses.stream({ model: "m", input: "Hello!" });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => (text += delta));
  const final = await stream.finalResponse();
  assert.equal(text, final.output_text);
  assert.equal(final.usage.output_tokens_details.reasoning_tokens, 3);
  const { name, parameters } = weather.function;
  const tools = [{ type: "function", name, parameters, strict: true }];
  const called = await api.responses.create({ model: "m", input: "Hello!", tools });
  const call = called.output.find(({ type }) => type === "function_call");
  assert.equal(JSON.parse(call.arguments).city, "sample");
});

test("models are listed and retrieved", async () => {
  const ids = [];
  for await (const model of client("instant").models.list()) ids.push(model.id);
  assert.ok(ids.includes("kneepoint-small"));
  assert.equal((await client("instant").models.retrieve("kneepoint-small")).object, "model");
});

test("errors have the package's own classes", async () => {
  const create = (spec) => client(spec).chat.completions.create({ model: "m", messages });
  const cases = [
    ["fault=status_400:1", OpenAI.BadRequestError],
    ["fault=status_401:1", OpenAI.AuthenticationError],
    ["fault=status_404:1", OpenAI.NotFoundError],
    ["fault=quota_429:1", OpenAI.RateLimitError],
    ["fault=status_503:1", OpenAI.InternalServerError],
    ["fault=reset_before_headers:1", OpenAI.APIConnectionError],
    ["slotz=1", OpenAI.BadRequestError],
  ];
  for (const [spec, kind] of cases) await assert.rejects(create(spec), kind, spec);
  await assert.rejects(create("fault=quota_429:1"), { code: "insufficient_quota" });
  await assert.rejects(async () => {
    const ask = { model: "m", messages, stream: true };
    const stream = await client("fault=sse_error_mid@2:1").chat.completions.create(ask);
    for await (const _ of stream);
  }, OpenAI.APIError);
});

test("the package's retries meet the hint, and the server counts what it saw", async () => {
  const spec = "rps=5:1,retry_after=300ms,tokens=2";
  const api = client(spec, { maxRetries: 5 });
  await Promise.all([1, 2, 3].map(() => api.chat.completions.create({ model: "m", messages })));
  const seen = await stats(spec);
  assert.equal(seen.completed, 3);
  assert.equal(seen.requests, seen.accepted + seen.rejected);
  assert.ok(seen.rejected >= 1);
});

test("an abort reaches the server", async () => {
  const spec = "ttft=60000";
  const controller = new AbortController();
  const call = client(spec).chat.completions.create(
    { model: "m", messages },
    { signal: controller.signal },
  );
  const until = async (done) => {
    while (!done(await stats(spec))) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await Promise.all([
    assert.rejects(call, OpenAI.APIUserAbortError),
    until(({ in_flight }) => in_flight === 1).then(() => controller.abort()),
  ]);
  await until(({ aborted }) => aborted === 1);
});
