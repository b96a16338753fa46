// 100 streams at once of 200 tokens each: node streams.mjs WHO wall|cpu

import { createParser } from "eventsource-parser";

import { steady, turns } from "../turns.mjs";
import { endpoint, KEY } from "./endpoint.mjs";

const [who, clock] = process.argv.slice(2);
const STREAMS = 100;
const TOKENS = 200;
/** Rounds after which what is hot is compiled. */
const WARM = 3;
const question = {
  model: "m",
  max_tokens: TOKENS,
  stream: true,
  messages: [{ role: "user", content: "Hello!" }],
};
const headers = { "content-type": "application/json", authorization: `Bearer ${KEY}` };

const { url, stop } = await endpoint(`ttft=5,tpot=5,tokens=${TOKENS}`);
const ask = () =>
  fetch(`${url}/chat/completions`, { method: "POST", headers, body: JSON.stringify(question) });

/** The words of an answer: whoever loses one of them is not measured but found out. */
const words = (text) => text.trim().split(/\s+/).length;

const readers = {
  async kneepoint() {
    const { Kneepoint } = await import("kneepoint");
    const client = new Kneepoint({ baseURL: url, apiKey: KEY, concurrency: STREAMS, adaptive: false });
    return async () => {
      let text = "";
      for await (const piece of client.stream("Hello!", { model: "m", maxTokens: TOKENS })) text += piece;
      return text;
    };
  },
  "kneepoint/openai": async () => chunks((await import("kneepoint/openai")).default, { concurrency: STREAMS, adaptive: false }),
  openai: async () => chunks((await import("openai")).default, {}),
  "fetch + eventsource-parser": () => async () => {
    let text = "";
    const decoder = new TextDecoder();
    const parser = createParser({
      onEvent({ data }) {
        if (data !== "[DONE]") text += JSON.parse(data).choices[0]?.delta?.content ?? "";
      },
    });
    for await (const chunk of (await ask()).body) parser.feed(decoder.decode(chunk, { stream: true }));
    return text;
  },
  "fetch + split": () => async () => {
    let [text, rest] = ["", ""];
    const decoder = new TextDecoder();
    for await (const chunk of (await ask()).body) {
      const events = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        const data = event.slice("data: ".length);
        if (data !== "[DONE]") text += JSON.parse(data).choices[0]?.delta?.content ?? "";
      }
    }
    return text;
  },
};

function chunks(OpenAI, options) {
  const client = new OpenAI({ baseURL: url, apiKey: KEY, ...options });
  return async () => {
    let text = "";
    for await (const chunk of await client.chat.completions.create(question)) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    return text;
  };
}

const read = await readers[who]();
const checked = async () => {
  const found = words(await read());
  if (found !== TOKENS) throw new Error(`${found} words of ${TOKENS} arrived`);
};
const round = () => Promise.all(Array.from({ length: STREAMS }, checked));
for (let i = 0; i < WARM; i += 1) await round();
await turns(who, () => steady(clock, round));
await stop();
process.exit();
