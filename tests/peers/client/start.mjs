// From nothing to the first answer, in a process of its own: node start.mjs WHO

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { timed, turns } from "../turns.mjs";
import { endpoint, KEY } from "./endpoint.mjs";

const [who, url] = process.argv.slice(2);

if (url === undefined) {
  const { url, stop } = await endpoint("ttft=0,tpot=0,tokens=4");
  const start = () => execFileSync(process.execPath, [fileURLToPath(import.meta.url), who, url]);
  await turns(who, () => timed("wall", start));
  await stop();
} else {
  const { default: OpenAI } = await import(who === "kneepoint" ? "kneepoint/openai" : "openai");
  const client = new OpenAI({ baseURL: url, apiKey: KEY });
  await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "Hello!" }] });
  process.exit();
}
