// Another process that asks one question, and says what the cache had to do with the answer.
//
// usage: node asker.mjs CLIENT PORT BASE_URL API_KEY

import { CLIENTS } from "./clients.mjs";

const [name, port, baseURL, apiKey] = process.argv.slice(2);
const { Kneepoint } = await import(process.env.KNEEPOINT_ENTRY);
const { redisCache } = await import(process.env.KNEEPOINT_CACHE);

const { client, close } = await CLIENTS[name](Number(port));
const work = [];
const waitUntil = (one) => work.push(one);
const llm = new Kneepoint({ baseURL, apiKey, cache: { store: redisCache(client), maxWait: 10_000, waitUntil } });
const { text, timing } = await llm.generate("Hello!", { model: "m" });
await Promise.all(work);
console.log(JSON.stringify({ text, cache: timing.cache }));
llm.dispose();
close();
