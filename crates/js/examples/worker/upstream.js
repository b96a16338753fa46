// The clients: one for each provider, kept for as long as the isolate or process lives, so that all
// visitors share its connections, its limits and its cache.

import { Kneepoint } from "kneepoint";
import { kvCache } from "kneepoint/cache";

import { Refusal } from "./input.js";

const PROVIDERS = {
  openai: { key: "OPENAI_API_KEY", url: "OPENAI_BASE_URL", model: "gpt-4o-mini", ask: {} },
  anthropic: {
    key: "ANTHROPIC_API_KEY",
    url: "ANTHROPIC_BASE_URL",
    model: "claude-haiku-4-5",
    ask: { maxTokens: 512, system: "You are a helpful assistant. Answer in a few sentences." },
  },
};

/** A whole answer, or the first piece of a stream and each that follows, must be there by then. */
export const ANSWER_MS_MAX = 10_000;

/** Requests in flight at once, for all visitors: a ceiling, below which the limit finds itself. LIMIT
 * sets a number that stays. */
const AT_ONCE_MAX = 256;

/** Visitors who may wait for their turn. Beyond that it is kinder to say no at once. */
const WAITING_MAX = 1000;

const clients = new Map();

/** The client of a provider, and what is asked with every prompt. */
export function upstream(name, env) {
  const { key, url, model, ask } = PROVIDERS[name];
  // Workers hand their settings to the handler, the others have an environment.
  const setting = (variable) => env?.[variable] ?? globalThis.process?.env?.[variable];
  const apiKey = setting(key);
  if (!apiKey) throw new Refusal(500, "no_key", `this endpoint has no key: set ${key}`);

  const settings = [apiKey, setting(url), setting("CACHE_SECONDS") ?? "3600", setting("LIMIT")];
  let client = clients.get(name);
  if (client === undefined || settings.some((value, at) => value !== client.settings[at])) {
    client = { settings, llm: clientOf(name, settings, env) };
    clients.set(name, client);
  }
  return { llm: client.llm, ask: { model: setting("MODEL") ?? model, ...ask } };
}

function clientOf(provider, [apiKey, baseURL, seconds, limit], env) {
  return new Kneepoint({
    provider,
    apiKey,
    baseURL,
    cache: seconds === "0" ? false : { ttl: 1000 * seconds, ...storeOf(env) },
    concurrency: limit ? Number(limit) : AT_ONCE_MAX,
    adaptive: !limit,
    maxQueue: WAITING_MAX,
    timeout: ANSWER_MS_MAX,
    maxRetryWait: ANSWER_MS_MAX,
    firstTokenTimeout: ANSWER_MS_MAX,
    idleTimeout: ANSWER_MS_MAX,
    logLevel: "off",
  });
}

/** Where answers are kept: in Cloudflare KV, if one is bound as ANSWERS, or in memory. */
function storeOf(env) {
  return env?.ANSWERS ? { store: kvCache(env.ANSWERS) } : {};
}
