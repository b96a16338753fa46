// An endpoint in front of an LLM. Workers, Deno, Bun and Node run it as it is.
//
//   POST /generate          ?prompt=… or {"prompt": "…"}  →  {"response": "…"}
//   POST /generate_claude   the same, of Anthropic's models
//   POST /batch             {"prompts": ["…", …]}  →  {"results": [{"response": "…"}, {"error": {…}}, …]}
//   POST /stream            like /generate, as server-sent events while the answer is written
//   GET  /health

import { APIConnectionTimeoutError } from "kneepoint";

import { answered, BUSY, eventsOf, failed, problemOf } from "./answer.js";
import { addressOf, discard, promptOf, promptsOf, Refusal } from "./input.js";
import { ANSWER_MS_MAX, upstream } from "./upstream.js";

/** Prompts of one batch that are under way at once: the connections that a request to a Worker may open. */
const BATCH_AT_ONCE = 6;

/** A stream may take longer than an answer: its reader sees that something comes. */
const STREAM_MS_MAX = 120_000;

const ROUTES = new Map([
  ["/generate", { method: "POST", handle: generate("openai") }],
  ["/generate_claude", { method: "POST", handle: generate("anthropic") }],
  ["/batch", { method: "POST", handle: batch }],
  ["/stream", { method: "POST", handle: stream }],
  ["/health", { method: "GET", handle: health }],
]);

export default {
  async fetch(request, env) {
    const visit = { began: performance.now(), method: request.method };
    try {
      visit.url = addressOf(request);
      const route = ROUTES.get(visit.url.pathname);
      if (route === undefined) {
        throw new Refusal(404, "unknown_route", `there is ${[...ROUTES.keys()].join(", ")}`);
      }
      if (route.method !== request.method) {
        throw new Refusal(405, "wrong_method", `ask with ${route.method}`, { allow: route.method });
      }
      return await route.handle(request, env, visit);
    } catch (error) {
      await discard(request).catch(() => {});
      return failed(visit, error);
    }
  },
};

function generate(provider) {
  return async (request, env, visit) => {
    const prompt = await promptOf(request, visit.url);
    const { llm, ask } = upstream(provider, env);
    const { text, usage, timing } = await llm.generate(prompt, { ...ask, ...callOf(request) });
    return answered(visit, { response: text }, { usage, timings: [timing] });
  };
}

async function batch(request, env, visit) {
  const prompts = await promptsOf(request);
  const { llm, ask } = upstream("openai", env);
  const run = llm.batch(prompts, { ...ask, ...callOf(request), concurrency: BATCH_AT_ONCE });
  const items = await run.settled();
  request.signal.throwIfAborted();
  const results = items.map(({ value, reason }) =>
    value === undefined ? { error: problemOf(reason).error } : { response: value.text },
  );
  return answered(visit, { results }, { timings: items.flatMap(({ value }) => value?.timing ?? []) });
}

async function stream(request, env, visit) {
  const prompt = await promptOf(request, visit.url);
  const { llm, ask } = upstream("openai", env);
  const text = llm.stream(prompt, { ...ask, ...callOf(request), timeout: STREAM_MS_MAX });
  const pieces = text[Symbol.asyncIterator]();
  // What goes wrong before the first piece still has a status.
  const first = await inTime(text, pieces.next());
  return eventsOf(visit, { text, pieces, first, cache: await text.cache });
}

/** The first piece, for which nobody waits longer than for an answer, however often it is asked for again. */
async function inTime(text, piece) {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    text.abort();
  }, ANSWER_MS_MAX);
  try {
    return await piece;
  } catch (error) {
    throw isLate ? reasonOfDelay(error) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Why nothing has come yet, by where the call was when it was taken back. */
function reasonOfDelay({ phase, attempts }) {
  // It waits for another attempt, since those before were refused.
  if (phase === "queue" && attempts > 0) return new Refusal(503, "busy", BUSY);
  return new APIConnectionTimeoutError();
}

function health(_, env, visit) {
  const { calls, failed, models } = upstream("openai", env).llm.stats();
  return answered(visit, { status: "ok", calls, failed, models });
}

/** What a visitor decides of a call: when it is over, and whether an answer that is kept will do. */
function callOf({ signal, headers }) {
  const isFresh = /\bno-(cache|store)\b/.test(headers.get("cache-control") ?? "");
  return isFresh ? { signal, cache: false, dedupe: false } : { signal };
}
