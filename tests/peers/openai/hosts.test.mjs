// What the helpers make of chunks that hosts of models send in their own fashion.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ours } from "./package.mjs";

const { ChatCompletionStream } = ours;

/** Reads a completion of these deltas, the last of which ends it; with all arguments that were told. */
async function read(...deltas) {
  const chunks = deltas.map((delta, at) => ({
    id: "1", object: "chat.completion.chunk", created: 1, model: "m",
    choices: [{ index: 0, delta, finish_reason: at + 1 < deltas.length ? null : "stop", logprobs: null }],
  }));
  const stream = ChatCompletionStream.fromReadableStream(new Response(chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join("")).body);
  const told = [];
  stream.on("tool_calls.function.arguments.done", ({ index, name, arguments: text }) => told.push([index, name, text]));
  const { message } = (await stream.finalChatCompletion()).choices[0];
  return { message, told };
}

const call = (id, name, text, index) => ({ ...(index === undefined ? {} : { index }), ...(id === undefined ? {} : { id }), type: "function", function: { name, arguments: text } });
const calls = (...tool_calls) => ({ tool_calls });
const FASHIONS = {
  "no number": [calls(call("a", "f", "{}"), call("b", "g", '{"x":1}'))],
  "no number, each in a chunk": [calls(call("a", "f", "{}")), calls(call("b", "g", '{"x":1}'))],
  "no number, in pieces": [calls(call("a", "f", "{}")), calls(call("b", "g", '{"x"')), calls(call(undefined, undefined, ":1}"))],
  "one number for all": [calls(call("a", "f", "{}", 0)), calls(call("b", "g", '{"x"', 0)), calls(call(undefined, undefined, ":1}", 0))],
  "an empty id in further pieces": [calls(call("a", "f", "{}", 0), call("b", "g", '{"x"', 1)), calls(call("", "", ":1}", 1))],
};
for (const [what, deltas] of Object.entries(FASHIONS)) {
  test(`two calls are two calls: ${what}`, async () => {
    const { message, told } = await read({ role: "assistant" }, ...deltas, {});
    assert.deepEqual(message.tool_calls.map(({ id, function: { name, arguments: text } }) => [id, name, text]), [["a", "f", "{}"], ["b", "g", '{"x":1}']]);
    assert.deepEqual(told, [[0, "f", "{}"], [1, "g", '{"x":1}']]);
  });
}

test("thoughts are kept when the answer begins", async () => {
  const { message } = await read({ role: "assistant", content: null, reasoning_content: "Let" }, { content: null, reasoning_content: " me" }, { content: "Hi", reasoning_content: null }, {});
  assert.deepEqual([message.reasoning_content, message.content], ["Let me", "Hi"]);
});

test("pieces that look like numbers are text", async () => {
  const { message } = await read({ role: "assistant", content: "$" }, { content: 0 }, { content: ".", reasoning: "a" }, { content: 5, reasoning: 6 }, {});
  assert.deepEqual([message.content, message.reasoning], ["$0.5", "a6"]);
});
