// Chat completions that are not streamed, 100 at once: node unary.mjs WHO wall|cpu

import { Pool } from "undici";

import { steady, turns } from "../turns.mjs";
import { endpoint, KEY, times } from "./endpoint.mjs";

const [who, clock] = process.argv.slice(2);
const CALLS = 1000;
const AT_ONCE = 100;
/** Calls after which what is hot is compiled. */
const WARM = 10_000;
const question = { model: "m", max_tokens: 8, messages: [{ role: "user", content: "Hello!" }] };
const body = JSON.stringify(question);
const headers = { "content-type": "application/json", authorization: `Bearer ${KEY}` };

const { url, stop } = await endpoint("ttft=0,tpot=0,tokens=8");

const callers = {
  async kneepoint() {
    const { default: OpenAI } = await import("kneepoint/openai");
    const client = new OpenAI({ baseURL: url, apiKey: KEY, concurrency: AT_ONCE });
    return () => client.chat.completions.create(question);
  },
  async openai() {
    const { default: OpenAI } = await import("openai");
    const client = new OpenAI({ baseURL: url, apiKey: KEY });
    return () => client.chat.completions.create(question);
  },
  fetch() {
    return async () => {
      const response = await fetch(`${url}/chat/completions`, { method: "POST", headers, body });
      return response.json();
    };
  },
  dispatch() {
    const { origin, pathname } = new URL(url);
    const pool = new Pool(origin, { connections: AT_ONCE });
    const path = `${pathname}/chat/completions`;
    return () =>
      new Promise((resolve, reject) => {
        const chunks = [];
        pool.dispatch(
          { origin, path, method: "POST", headers, body },
          {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData: (_, chunk) => chunks.push(chunk),
            onResponseEnd: () => resolve(JSON.parse(Buffer.concat(chunks).toString())),
            onResponseError: (_, error) => reject(error),
          },
        );
      });
  },
};

const call = await callers[who]();
const checked = async () => {
  const answer = await call();
  if (answer.choices[0].finish_reason !== "length" && answer.choices[0].finish_reason !== "stop") {
    throw new Error(`no whole answer: ${JSON.stringify(answer)}`);
  }
};
await times(WARM, AT_ONCE, checked);
await turns(who, () => steady(clock, () => times(CALLS, AT_ONCE, checked)));
await stop();
process.exit();
