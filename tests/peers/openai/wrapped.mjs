// What libraries that watch, trace or extend a client do with it: each program is the gist of one.

import { json, plain, scripted } from "./scripted.mjs";

const messages = [{ role: "user", content: "Hello!" }];
const ask = { model: "m", messages };
const said = { id: "c1", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: '{"a":1}' } }] };
const response = {
  id: "r1", object: "response", status: "completed",
  output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: '{"a":1}', annotations: [] }] }],
};

/** What each program is called, and what it does. */
export const programs = [
  ["a schema that nobody has marked is parsed", async (exports) => {
    const schema = { name: "s", strict: true, schema: { type: "object" } };
    const format = { type: "json_schema", ...schema };
    const { client } = scripted(exports, [() => json(response)]);
    const whole = await client.responses.parse({ model: "m", input: "x", text: { format } });
    const { client: chat } = scripted(exports, [() => json(said)]);
    const completion = await chat.chat.completions.parse({ ...ask, response_format: { type: "json_schema", json_schema: schema } });
    const open = await client.responses.parse({ model: "m", input: "x" });
    return [whole.output_parsed, plain(whole.output), completion.choices[0].message.parsed, open.output_parsed, plain(open.output)];
  }],
];
