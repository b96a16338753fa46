// What the helpers must bear: places that cannot be, answers that were cut, messages that are another's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ours } from "./package.mjs";

const { ChatCompletionStream, LengthFinishReasonError, OpenAI, OpenAIError, ResponseStream } = ours;

const lines = (items) => new Response(items.map((item) => `${JSON.stringify(item)}\n`).join("")).body;
const chunk = (choice) => ({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, finish_reason: null, logprobs: null, ...choice }] });

/** Streams that put something where it cannot be. */
const PLACES = {
  "a choice": (index) => [ChatCompletionStream, [chunk({ index, delta: { role: "assistant" }, owned: true })]],
  "a call": (index) => [ChatCompletionStream, [chunk({ delta: { tool_calls: [{ index, id: "c", owned: true }] } })]],
  "an item": (output_index) => [ResponseStream, [
    { type: "response.created", response: { id: "r", output: [] } },
    { type: "response.content_part.added", output_index, content_index: 0, part: { owned: true } },
  ]],
  "a part": (content_index) => [ResponseStream, [
    { type: "response.created", response: { id: "r", output: [{ type: "message", content: [] }] } },
    { type: "response.output_text.delta", output_index: 0, content_index, delta: "x" },
  ]],
};
for (const [what, stream] of Object.entries(PLACES)) {
  test(`${what} has a place, and no other name of a field`, async () => {
    for (const index of ["__proto__", "constructor", "0", -1, 0.5, 128, 2 ** 32 - 2, null]) {
      const [Helper, items] = stream(index);
      const reading = Helper.fromReadableStream(lines(items));
      await assert.rejects(reading.done(), (error) => error instanceof OpenAIError && /index/.test(error.message), String(index));
      assert.equal([].owned, undefined);
      assert.equal([].text, undefined);
    }
  });
}

test("events that bear the names of methods are events that nobody knows", async () => {
  const names = ["constructor", "toString", "__proto__"].map((name) => ({ type: `response.${name}.delta`, delta: "x" }));
  const response = { id: "r", object: "response", status: "completed", output: [] };
  const all = [{ type: "response.created", response }, ...names, { type: "response.completed", response }];
  const stream = ResponseStream.fromReadableStream(lines(all));
  assert.equal((await stream.finalResponse()).id, "r");
});

/** Lets a tool run against an endpoint that answers the same each time. */
function toolRun(answer, stream, messages) {
  const calls = [];
  const asked = [];
  const client = new OpenAI({
    apiKey: "k", maxRetries: 0,
    fetch: async (_, { body }) => (asked.push(JSON.parse(body)), answer()),
  });
  const tool = { type: "function", function: { name: "f", parameters: {}, description: "", function: (text) => void calls.push(text) } };
  const run = client.chat.completions.runTools({ model: "m", messages, tools: [tool], stream });
  return { run, calls, asked };
}

for (const stream of [false, true]) {
  test(`a function is not called with half of its arguments${stream ? ", streamed" : ""}`, async () => {
    const called = { id: "c", type: "function", function: { name: "f", arguments: '{"city":"Par' } };
    const completion = { id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, finish_reason: "length", logprobs: null, message: { role: "assistant", content: null, refusal: null, tool_calls: [called] } }] };
    const events = [chunk({ delta: { role: "assistant", tool_calls: [{ index: 0, ...called }] }, finish_reason: "length" })];
    const answer = () => stream
      ? new Response(`${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")}data: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } })
      : Response.json(completion);
    const messages = [{ role: "user", content: "Hello!" }];
    const { run, calls, asked } = toolRun(answer, stream, messages);
    await assert.rejects(run.done(), LengthFinishReasonError);
    assert.deepEqual([calls, asked.length, run.messages], [[], 1, messages]);
  });
}

test("messages that a program hands in are left as they are", async () => {
  const first = Object.freeze({ role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }] });
  const messages = [first, { role: "tool", tool_call_id: "c", content: "Found." }];
  const answer = () => Response.json({ id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, finish_reason: "stop", logprobs: null, message: { role: "assistant", content: "Done.", refusal: null } }] });
  const { run, asked } = toolRun(answer, false, messages);
  assert.equal(await run.finalContent(), "Done.");
  assert.deepEqual(asked[0].messages, messages);
  assert.equal(run.messages[0], first);
  assert.equal(messages.length, 2);
});
