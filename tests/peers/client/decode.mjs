// A chat stream from memory, decoded to its text: node decode.mjs WHO EVENTS_PER_READ

import { createParser } from "eventsource-parser";

import { timed, turns } from "../turns.mjs";

const [who, perRead] = [process.argv[2], Number(process.argv[3])];
const EVENTS = 20_000;
const WARM_MS = 1000;
/** So often is the stream decoded in one turn: what a processor has to fetch anew after others had theirs
 * counts for little. */
const REPEATS = 10;

const head = `{"id":"chatcmpl-9f3c2a7be1d04c55","object":"chat.completion.chunk","created":1795236792,"model":"small-model-2026","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"content":`;
const bytes = [];
const encoder = new TextEncoder();
let expected = "";
for (let i = 0; i < EVENTS; i += perRead) {
  let read = "";
  for (let j = 0; j < perRead; j += 1) {
    const word = ` word${(i + j) % 1000}`;
    expected += word;
    read += `data: ${head}${JSON.stringify(word)}},"logprobs":null,"finish_reason":null}]}\n\n`;
  }
  bytes.push(encoder.encode(read));
}
const last = `data: ${head}""},"logprobs":null,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
bytes.push(encoder.encode(last));

/** Many reads are there at once, so that what is measured is the reading. */
const body = () => {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      for (const end = Math.min(next + 50, bytes.length); next < end; next += 1) {
        controller.enqueue(bytes[next]);
      }
      if (next === bytes.length) controller.close();
    },
  });
};

const decoders = {
  async kneepoint() {
    const { decodeText } = await import("kneepoint");
    return async () => {
      let text = "";
      for await (const piece of decodeText(body())) text += piece;
      return text;
    };
  },
  async openai() {
    const { Stream } = await import("openai/streaming");
    return async () => {
      let text = "";
      const response = new Response(body(), { headers: { "content-type": "text/event-stream" } });
      for await (const chunk of Stream.fromSSEResponse(response, new AbortController())) {
        text += chunk.choices[0]?.delta?.content ?? "";
      }
      return text;
    };
  },
  "eventsource-parser": () => async () => {
    let text = "";
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent({ data }) {
        if (data !== "[DONE]") text += JSON.parse(data).choices[0]?.delta?.content ?? "";
      },
    });
    for await (const chunk of body()) parser.feed(decoder.decode(chunk, { stream: true }));
    return text;
  },
};

const decode = await decoders[who]();
const checked = async () => {
  if ((await decode()) !== expected) throw new Error("the text is not what was sent");
};
// Whoever takes less time for a stream needs more of them until all that is hot is compiled.
const warm = performance.now() + WARM_MS;
while (performance.now() < warm) await checked();
const round = async () => {
  for (let i = 0; i < REPEATS; i += 1) await checked();
};
await turns(who, () => timed("wall", round));
