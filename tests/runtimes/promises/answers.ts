// Calls that go well: each way to make one, and what is known of it afterwards.

import { type AttemptEvent, Kneepoint } from "kneepoint";

import { check, equal, eventually, settled } from "../assert.ts";
import { failure, heldBack, KEY, MODEL, type Promises, read } from "../world.ts";

export const answers: Promises = {
  async "generate answers with text, usage and times"(world) {
    const llm = world.client(world.endpoint("tokens=12,ttft=5"));
    const answer = await llm.generate("Hello!", { ...MODEL, maxTokens: 7 });
    check(answer.text.length > 0, "there is text");
    equal(answer.usage?.outputTokens, 7, "tokens of the answer");
    equal(answer.finishReason, "length", "why it ended");
    equal(answer.timing.attempts.length, 1, "attempts");
    const [attempt] = answer.timing.attempts;
    equal(attempt?.status, 200, "status");
    check(attempt?.headers !== undefined && attempt.end !== undefined, "the attempt has its times");
    check(attempt.start <= attempt.headers && attempt.headers <= attempt.end, "times are in order");
    check(attempt.bytes > 0, "bytes were counted");
  },

  async "a stream says the same as an answer in one piece, and what it cost"(world) {
    const [one, endpoint] = world.twins("tokens=40", "tokens=40,chunk=3");
    check(one && endpoint, "two endpoints");
    const llm = world.client(endpoint);
    const whole = await world.client(one).generate("Hello!", MODEL);
    const stream = llm.stream("Hello!", MODEL);
    const { text, error } = await read(stream);
    equal(error, undefined, "error");
    equal(text, whole.text, "text");
    const result = await stream.result();
    equal(result.text, text, "the result's text");
    equal(result.usage, whole.usage, "usage");
    equal(result.finishReason, "stop", "why it ended");
    check(result.timing.attempts[0]?.firstToken !== undefined, "the first token has its time");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "result reads a stream that nobody has read"(world) {
    const result = await world.client(world.endpoint("tokens=9")).stream("Hello!", MODEL).result();
    equal(result.usage?.outputTokens, 9, "tokens");
  },

  async "a stream is read once, and tee makes two of it"(world) {
    const llm = world.client(world.endpoint("tokens=9"));
    const stream = llm.stream("Hello!", MODEL);
    await read(stream);
    let again: unknown;
    try {
      for await (const _ of stream) again = "a piece";
    } catch (error) {
      again = error;
    }
    check(again instanceof TypeError, `a second reading: found ${String(again)}`);
    const texts = await Promise.all(llm.stream("Hello!", MODEL).tee().map(gather));
    check(texts[0] !== "" && texts[0] === texts[1], "both halves say the same");
  },

  async "a stream becomes one of the platform's, which can be cancelled"(world) {
    const endpoint = world.endpoint("tokens=2000,tpot=20");
    const reader = world.client(endpoint).stream("Hello!", MODEL).toReadableStream().getReader();
    equal((await reader.read()).done, false, "a piece");
    await reader.cancel();
    await endpoint.until((truth) => truth.aborted === 1, "the endpoint sees it");
  },

  async "messages, a system prompt and fields of the provider's are sent"(world) {
    const llm = world.client(world.endpoint("tokens=6"));
    const messages = [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hi." }, { role: "user", content: "?" }];
    const answer = await llm.generate(messages, { ...MODEL, system: "Be brief.", temperature: 0, seed: 3 });
    equal(answer.usage?.outputTokens, 6, "tokens");
  },

  async "tool calls and reasoning arrive, whole and streamed"(world) {
    const llm = world.client(world.endpoint("tokens=30,reasoning=5"));
    const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } } }];
    const whole = await llm.generate("Weather?", { ...MODEL, tools });
    const streamed = await llm.stream("Weather?", { ...MODEL, tools }).result();
    for (const answer of [whole, streamed]) {
      equal(answer.toolCalls[0]?.name, "weather", "the tool");
      JSON.parse(answer.toolCalls[0]?.arguments ?? "");
      equal(answer.finishReason, "tool_calls", "why it ended");
    }
    const thought = await llm.stream("Hello!", MODEL).result();
    check((thought.reasoning ?? "") !== "", "there is reasoning");
  },

  async "what Gemini wants back with a tool call comes with it, whole and streamed"(world) {
    const extra = { google: { thought_signature: "CvcQAXLI2nw=" } };
    const call = { id: "a", type: "function", function: { name: "f", arguments: "{}" }, extra_content: extra };
    const message = { role: "assistant", tool_calls: [call] };
    const choice = { index: 0, finish_reason: "tool_calls" };
    const whole = JSON.stringify({ choices: [{ ...choice, message }] });
    const streamed = `data: ${JSON.stringify({ choices: [{ ...choice, delta: message }] })}\n\ndata: [DONE]\n\n`;
    const llm = world.client("http://127.0.0.1:9/v1", {
      fetch: async (_: string, init: RequestInit) => {
        const isStream = JSON.parse(String(init.body)).stream === true;
        const type = isStream ? "text/event-stream" : "application/json";
        return new Response(isStream ? streamed : whole, { headers: { "content-type": type } });
      },
    } as never);
    for (const answer of [await llm.generate("Hi", MODEL), await llm.stream("Hi", MODEL).result()]) {
      const [called] = answer.toolCalls;
      equal([called?.id, called?.name, called?.arguments], ["a", "f", "{}"], "the call");
      equal(called?.extraContent, extra, "what goes back with it");
    }
  },

  async "Anthropic's dialect is spoken too"(world) {
    const llm = world.client(world.endpoint("tokens=8"), { provider: "anthropic" });
    const whole = await llm.generate("Hello!", { model: "claude", maxTokens: 5 });
    equal(whole.usage?.outputTokens, 5, "tokens");
    const streamed = await llm.stream("Hello!", { model: "claude", maxTokens: 5 }).result();
    equal(streamed.usage, whole.usage, "usage");
    check(streamed.text !== "", "text");
  },

  async "Anthropic's address may be given as its own SDK wants it, without the version"(world) {
    const baseURL = world.endpoint("tokens=8").baseURL.replace(/\/v1$/, "");
    const llm = world.client(baseURL, { provider: "anthropic" });
    equal((await llm.generate("Hello!", { model: "claude", maxTokens: 5 })).usage?.outputTokens, 5, "tokens");
  },

  async "a batch hands out each outcome in order, or as it finishes"(world) {
    const llm = world.client(world.endpoint("tokens=3,ttft=ln:10:1"), { concurrency: 4 });
    const prompts = Array.from({ length: 20 }, (_, i) => `prompt ${i}`);
    const indexes: number[] = [];
    let seen = 0;
    const run = llm.batch(prompts, { ...MODEL, onProgress: () => (seen += 1) });
    for await (const item of run) {
      equal(item.status, "fulfilled", `item ${item.index}`);
      indexes.push(item.index);
    }
    equal(indexes, prompts.map((_, i) => i), "order");
    equal(seen, 20, "reports of progress");
    equal(run.progress, { begun: 20, succeeded: 20, failed: 0 }, "progress");
    const finished = new Set<number>();
    for await (const item of llm.batch(prompts, { ...MODEL, order: "finished" })) finished.add(item.index);
    equal(finished.size, 20, "outcomes");
  },

  async "one failure in a batch leaves the others whole"(world) {
    const llm = world.client(world.endpoint("tokens=3,fault=status_400:0.5"), { concurrency: 2 });
    const items = await settled(llm.batch(Array.from({ length: 12 }, () => "x"), MODEL).settled(), "the batch");
    equal(items.length, 12, "outcomes");
    const failed = items.filter((item) => item.status === "rejected");
    check(failed.length > 0 && failed.length < 12, `${failed.length} of 12 failed`);
    for (const item of failed) equal(item.status === "rejected" && item.reason.kind, "status", "kind");
  },

  async "prompts of a batch are taken only as they are needed"(world) {
    const endpoint = world.endpoint("tokens=3");
    let taken = 0;
    async function* prompts() {
      for (; taken < 1000; taken += 1) yield `prompt ${taken}`;
    }
    for await (const item of world.client(endpoint).batch(prompts(), { ...MODEL, concurrency: 3 })) {
      if (item.index === 4) break;
    }
    check(taken < 20, `${taken} prompts were taken`);
    await endpoint.until((truth) => truth.in_flight === 0, "nothing is left in flight");
  },

  async "results of a batch do not wait for a source that makes others wait"(world) {
    const endpoint = world.endpoint("tokens=2");
    let isLeft = false;
    async function* prompts() {
      try {
        yield "one";
        await new Promise(() => {});
      } finally {
        isLeft = true;
      }
    }
    const first = async () => {
      for await (const item of world.client(endpoint).batch(prompts(), MODEL)) return item.status;
      return "none";
    };
    equal(await settled(first(), "the first, and leaving"), "fulfilled", "the first");
    const leaving = new AbortController();
    const run = world.client(endpoint).batch(prompts(), { ...MODEL, signal: leaving.signal, onProgress: () => leaving.abort() });
    equal((await settled(run.settled(), "what was begun")).map(({ status }) => status), ["fulfilled"], "what was begun");
    equal(isLeft, false, "nobody can leave a source that waits");
  },

  async "a source that breaks ends a batch after the outcomes of what was begun"(world) {
    function* prompts() {
      yield "one";
      yield "two";
      throw new Error("the file is torn");
    }
    const seen: string[] = [];
    const reading = async () => {
      for await (const { status } of world.client(world.endpoint("tokens=2,ttft=5")).batch(prompts(), MODEL)) seen.push(status);
    };
    equal(await settled(reading().then(() => "it ended", String), "the batch"), "Error: the file is torn", "the error");
    equal(seen, ["fulfilled", "fulfilled"], "outcomes");
  },

  async "a batch is read once, and says so to whoever tries again"(world) {
    const run = world.client(world.endpoint("tokens=2")).batch(["a", "b"], MODEL);
    equal([(await run.settled()).length, (await run.settled()).length], [2, 2], "settled, asked for twice");
    equal(await Promise.resolve().then(() => run[Symbol.asyncIterator]()).then(() => "", (error) => error instanceof TypeError), true, "reading again");
  },

  async "stats count calls, attempts and the limit"(world) {
    const llm = world.client(world.endpoint("tokens=3"), { concurrency: 5 });
    const before = llm.stats();
    equal([before.calls, before.attempts], [0, 0], "before");
    await llm.batch(["a", "b", "c"], MODEL).settled();
    const { calls, succeeded, failed, attempts, retries, models } = llm.stats();
    equal([calls, succeeded, failed, attempts, retries], [3, 3, 0, 3, 0], "after");
    equal([models[0]?.model, models[0]?.inFlight, models[0]?.queued], ["m", 0, 0], "the model's");
    check(models[0]?.callP50 !== undefined, "times were noted");
  },

  async "withOptions changes some options and keeps the others"(world) {
    const endpoint = world.endpoint("tokens=3");
    const llm = world.client(world.place.closed);
    const other = llm.withOptions({ baseURL: endpoint.baseURL });
    check(other instanceof Kneepoint && other !== llm, "it is another client");
    equal((await other.generate("Hello!", MODEL)).usage?.outputTokens, 3, "tokens");
    equal([llm.stats().calls, other.stats().calls], [0, 1], "calls");
  },

  async "onAttempt tells of each attempt, under OpenTelemetry's names"(world) {
    const events: AttemptEvent[] = [];
    const endpoint = world.endpoint("tokens=4,fault=status_500:0.5");
    const llm = world.client(endpoint, { maxRetries: 8, onAttempt: (event) => events.push(event) });
    for (let i = 0; i < 3; i += 1) await llm.generate("Hello!", MODEL);
    const { requests } = await endpoint.truth();
    equal(events.length, requests, "events");
    const last = events.at(-1);
    equal(last?.["gen_ai.operation.name"], "chat", "operation");
    equal(last?.["gen_ai.request.model"], "m", "model");
    equal(last?.["server.address"], new URL(endpoint.baseURL).host, "address");
    equal(last?.["http.response.status_code"], 200, "status");
    equal(last?.["gen_ai.usage.output_tokens"], 4, "tokens");
    equal(events.filter((event) => event["error.type"] === "status").length, requests - 3, "failures");
    check(!JSON.stringify(events).includes(KEY), "no key in events");
  },

  async "a hook that throws spoils nothing"(world) {
    const llm = world.client(world.endpoint("tokens=4"), {
      logger: { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} },
      onAttempt: () => {
        throw new Error("from the hook");
      },
    });
    equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 4, "tokens");
    equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 4, "tokens");
    const later = world.client(world.endpoint("tokens=4"), { onAttempt: async () => Promise.reject(new Error("from the hook")) });
    equal((await later.generate("Hello!", MODEL)).usage?.outputTokens, 4, "tokens where the hook fails later");
  },

  async "a logger hears what came of each attempt, and why a call was retried"(world) {
    const [infos, warnings]: string[][] = [[], []];
    const logger = { error() {}, warn: (line: string) => warnings?.push(line), info: (line: string) => infos?.push(line), debug() {} };
    const llm = world.client(world.endpoint("fault=status_503"), { maxRetries: 1, logger, logLevel: "info" });
    equal((await failure(llm.generate("Hello!", MODEL))).attempts, 2, "attempts");
    await eventually(() => infos?.length === 2, "a line for each attempt");
    check(infos?.every((line) => line.includes(": 503 after")), `the status in each line: ${infos}`);
    const good = world.client(world.endpoint("tokens=2,fault=retry_after_0:0.5"), { maxRetries: 30, logger });
    while (good.stats().retries === 0) await settled(good.generate("Hello!", MODEL), "the call");
    equal(warnings?.map((line) => line.includes("attempts (429)")), [true], "why it was retried");
  },

  async "a logger that throws spoils nothing, not even calls that it is told of"(world) {
    const broken = (): never => {
      throw new Error("from the logger");
    };
    const logger = { error: broken, warn: broken, info: broken, debug: broken };
    const llm = world.client(world.endpoint("fault=status_500"), { maxRetries: 1, logger, logLevel: "debug" });
    for (let i = 0; i < 2; i += 1) equal((await failure(llm.generate("Hello!", MODEL))).attempts, 2, "attempts");
    const good = world.client(world.endpoint("tokens=2,fault=retry_after_0:0.5"), { maxRetries: 30, logger });
    while (good.stats().retries === 0) equal((await settled(good.generate("Hello!", MODEL), "the call")).usage?.outputTokens, 2, "tokens");
  },

  async "a key may come from a function, for each call"(world) {
    let asked = 0;
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint, { apiKey: async () => `${KEY}-${(asked += 1)}` });
    await llm.generate("Hello!", MODEL);
    await llm.stream("Hello!", MODEL).result();
    equal(asked, 2, "times asked");
  },

  async "a cache serves what was asked before, and only that"(world) {
    const endpoint = world.endpoint("tokens=5");
    const llm = world.client(endpoint, { cache: true });
    const first = await llm.generate("Hello!", MODEL);
    const second = await llm.generate("Hello!", MODEL);
    equal([first.timing.cache, second.timing.cache], ["miss", "hit"], "the cache");
    equal(second.text, first.text, "text");
    await llm.generate("Another", MODEL);
    await llm.generate("Hello!", { ...MODEL, cache: false });
    equal((await endpoint.truth()).requests, 3, "requests");
  },

  async "a store of one's own is asked, and its failures cost nothing but the saving"(world) {
    const endpoint = world.endpoint("tokens=5");
    const kept = new Map<string, string>();
    const store = { get: (key: string) => kept.get(key), set: async (key: string, value: string) => void kept.set(key, value) };
    const llm = world.client(endpoint, { cache: { store } });
    await llm.generate("Hello!", MODEL);
    // While the answer is on its way there, equal calls share it.
    await eventually(async () => (await llm.generate("Hello!", MODEL)).timing.cache === "hit", "it is kept");
    equal((await endpoint.truth()).requests, 1, "requests");
    check(![...kept].join().includes(KEY), "no key in the store");
    const broken = { get: () => Promise.reject(new Error("down")), set: () => { throw new Error("down"); } };
    equal((await world.client(endpoint, { cache: { store: broken } }).generate("Hello!", MODEL)).usage?.outputTokens, 5, "tokens");
    equal((await endpoint.truth()).requests, 2, "requests");
  },

  async "equal calls in flight share one attempt, and one that leaves spoils nothing"(world) {
    const endpoint = world.endpoint("tokens=5");
    const { fetch, letGo } = heldBack();
    const llm = world.client(endpoint, { dedupe: true, fetch });
    const leaving = new AbortController();
    const calls = Array.from({ length: 5 }, (_, i) =>
      llm.generate("Hello!", i === 2 ? { ...MODEL, signal: leaving.signal } : MODEL),
    );
    await endpoint.until((truth) => truth.requests === 1, "it has been sent");
    leaving.abort();
    letGo();
    const outcomes = await Promise.allSettled(calls);
    equal(outcomes.map((one) => one.status === "fulfilled"), [true, true, false, true, true], "outcomes");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "calls that tell fetch something of their own share no attempt"(world) {
    const endpoint = world.endpoint("tokens=5,ttft=50");
    const marks: unknown[] = [];
    const send: typeof globalThis.fetch = (url, init) => {
      marks.push((init as { mark?: string }).mark);
      return fetch(url, init);
    };
    const llm = world.client(endpoint, { dedupe: true, fetch: send as never });
    const told = (mark: string) => llm.generate("Hello!", { ...MODEL, fetchOptions: { mark } });
    await Promise.all([told("one"), told("two"), llm.generate("Hello!", MODEL), llm.generate("Hello!", MODEL)]);
    equal(marks.sort(), ["one", "two", undefined], "what fetch was told");
  },
};

async function gather(stream: ReadableStream<string>): Promise<string> {
  const reader = stream.getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += value;
  }
}
