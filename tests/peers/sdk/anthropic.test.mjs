// The official `@anthropic-ai/sdk` makes its ordinary calls against the simulated endpoint.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

const client = (spec) =>
  new Anthropic({ apiKey: "sk-test", baseURL: `${server.http}/mock/${spec}`, maxRetries: 0 });
const ask = { model: "m", max_tokens: 512, messages: [{ role: "user", content: "Hello!" }] };
const tools = [
  { name: "weather", input_schema: { type: "object", properties: { city: { type: "string" } } } },
];

test("a message, with usage and request id", async () => {
  const message = await client("tokens=20").messages.create({ ...ask, max_tokens: 5 });
  assert.equal(message.content[0].type, "text");
  assert.equal(message.stop_reason, "max_tokens");
  assert.equal(message.usage.output_tokens, 5);
  assert.ok(message._request_id);
});

test("a streamed message is put together by the package", async () => {
  const stream = client("tokens=12,reasoning=4,chunk=3").messages.stream(ask);
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const message = await stream.finalMessage();
  assert.equal(message.content[0].type, "thinking");
  assert.equal(message.content[1].text, text);
  assert.equal(message.stop_reason, "end_turn");
  assert.equal(message.usage.output_tokens, 16);
});

test("the events come in their order", async () => {
  const kinds = [];
  for await (const event of await client("tokens=2").messages.create({ ...ask, stream: true })) {
    kinds.push(event.type);
  }
  assert.equal(kinds[0], "message_start");
  assert.equal(kinds.at(-1), "message_stop");
  assert.equal(kinds.filter((kind) => kind === "content_block_delta").length, 2);
});

test("a tool is called, whole and streamed", async () => {
  const whole = await client("instant").messages.create({ ...ask, tools });
  assert.deepEqual(whole.content[0].input, { city: "sample" });
  assert.equal(whole.stop_reason, "tool_use");
  const streamed = await client("instant").messages.stream({ ...ask, tools }).finalMessage();
  assert.deepEqual(streamed.content[0].input, { city: "sample" });
});

test("errors have the package's own classes", async () => {
  const create = (spec, more = {}) => client(spec).messages.create({ ...ask, ...more });
  const cases = [
    ["fault=status_401:1", Anthropic.AuthenticationError],
    ["fault=status_429:1", Anthropic.RateLimitError],
    ["fault=status_529:1", Anthropic.InternalServerError],
    ["fault=reset_before_headers:1", Anthropic.APIConnectionError],
  ];
  for (const [spec, kind] of cases) await assert.rejects(create(spec), kind, spec);
  const stream = client("fault=sse_error_mid@4:1").messages.stream(ask);
  await assert.rejects(stream.finalMessage(), Anthropic.APIError);
});
