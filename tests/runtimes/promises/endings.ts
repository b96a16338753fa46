// Ends that are not the server's: abort in each phase, leaving a stream, dispose, a trap.

import { APIUserAbortError, type Kneepoint, type TextStream } from "kneepoint";

import { check, equal, eventually, settled, sleep } from "../assert.ts";
import { type Endpoint, failure, MODEL, type Promises, read, type World } from "../world.ts";

/** An answer as servers give it. */
const ANSWER = { id: "x", choices: [{ message: { content: "Hello!" }, finish_reason: "stop" }] };

/** Aborts a call once `isThere`, and checks how it ends. */
async function aborts(
  world: World,
  rules: string,
  phase: "headers" | "body",
  isThere: (endpoint: Endpoint) => Promise<void>,
): Promise<void> {
  const endpoint = world.endpoint(rules);
  const llm = world.client(endpoint, { maxRetries: 5 });
  for (const way of ["generate", "stream"] as const) {
    const leaving = new AbortController();
    const options = { ...MODEL, signal: leaving.signal };
    const call = way === "generate" ? failure(llm.generate("Hello!", options)) : read(llm.stream("Hello!", options)).then(({ error }) => error);
    await isThere(endpoint);
    leaving.abort(new Error("enough"));
    const error = await settled(call, `${way} after abort`);
    check(error instanceof APIUserAbortError, `${way}: found ${error?.constructor.name} ${error?.kind}`);
    equal([error.kind, error.phase, error.attempts], ["aborted", phase, 1], `${way}: kind, phase, attempts`);
    await endpoint.until((truth) => truth.in_flight === 0, `${way}: the endpoint sees the abort`);
  }
  const { requests, aborted } = await endpoint.truth();
  equal([requests, aborted], [2, 2], "requests, aborted");
  const [model] = llm.stats().models;
  equal([model?.inFlight, model?.queued], [0, 0], "in flight, queued");
  equal(llm.stats().aborted, 2, "aborted in the figures");
}

const inFlight = (endpoint: Endpoint) => endpoint.until((truth) => truth.in_flight === 1, "it is in flight");

export const endings: Promises = {
  async "abort before the call sends nothing"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    const signal = AbortSignal.abort();
    equal((await failure(llm.generate("Hello!", { ...MODEL, signal }))).kind, "aborted", "kind");
    equal((await read(llm.stream("Hello!", { ...MODEL, signal }))).error?.kind, "aborted", "kind of a stream");
    await sleep(20);
    equal([(await endpoint.truth()).requests, llm.stats().attempts], [0, 0], "requests, attempts");
  },

  async "abort right after the call sends nothing more"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const llm = world.client(endpoint);
    const leaving = new AbortController();
    const call = failure(llm.generate("Hello!", { ...MODEL, signal: leaving.signal }));
    leaving.abort();
    equal((await call).kind, "aborted", "kind");
    await endpoint.until((truth) => truth.in_flight === 0, "nothing is in flight");
  },

  async "abort in the queue leaves the queue, and sends nothing"(world) {
    const endpoint = world.endpoint("ttft=400");
    const llm = world.client(endpoint, { concurrency: 1 });
    const first = llm.generate("Hello!", MODEL);
    const leaving = new AbortController();
    const second = failure(llm.generate("Hello!", { ...MODEL, signal: leaving.signal }));
    const third = llm.generate("Hello!", MODEL);
    leaving.abort();
    const { kind, phase, attempts } = await second;
    equal([kind, phase, attempts], ["aborted", "queue", 0], "kind, phase, attempts");
    await Promise.all([first, third]);
    equal((await endpoint.truth()).requests, 2, "requests");
  },

  "abort before the head of the reply": (world) => aborts(world, "fault=stall_headers", "headers", inFlight),

  "abort in the body": (world) =>
    aborts(world, "fault=stall_mid@10", "body", async (endpoint) => {
      await inFlight(endpoint);
      await sleep(40);
    }),

  async "abort between retries"(world) {
    const endpoint = world.endpoint("fault=status_429,retry_after=30");
    const llm = world.client(endpoint, { maxRetries: 5 });
    const leaving = new AbortController();
    const call = failure(llm.generate("Hello!", { ...MODEL, signal: leaving.signal }));
    await endpoint.until((truth) => truth.requests === 1, "the first attempt");
    await sleep(40);
    leaving.abort();
    const { kind, phase, attempts } = await call;
    equal([kind, phase, attempts], ["aborted", "queue", 1], "kind, phase, attempts");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "many calls that are taken back at once send none of those that waited"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const ways: Record<string, (llm: Kneepoint) => () => void> = {
      "each by a signal of its own"(llm) {
        const all = Array.from({ length: 50 }, () => new AbortController());
        for (const { signal } of all) failure(llm.generate("Hello!", { ...MODEL, signal })).catch(() => {});
        return () => all.forEach((one) => one.abort());
      },
      "as a batch"(llm) {
        const leaving = new AbortController();
        const prompts = Array.from({ length: 100 }, () => "x");
        void llm.batch(prompts, { ...MODEL, concurrency: 50, signal: leaving.signal }).settled();
        return () => leaving.abort();
      },
    };
    for (const [way, begin] of Object.entries(ways)) {
      const llm = world.client(endpoint, { concurrency: 4 });
      const leave = begin(llm);
      await endpoint.until((truth) => truth.in_flight === 4, "four are in flight");
      leave();
      await endpoint.until((truth) => truth.in_flight === 0, "nothing is in flight");
      await sleep(20);
      const [model] = llm.stats().models;
      equal([llm.stats().attempts, model?.inFlight, model?.queued], [4, 0, 0], `${way}: attempts, in flight, queued`);
    }
    equal((await endpoint.truth()).requests, 8, "requests");
  },

  async "abort in a stream ends its reading, also of what came meanwhile, and the endpoint sees it"(world) {
    const ways = {
      signal: (leaving: AbortController) => leaving.abort(),
      stream: (_: AbortController, stream: TextStream) => stream.abort(),
    };
    for (const [way, abort] of Object.entries(ways)) {
      const endpoint = world.endpoint("tokens=5000,tpot=10");
      const leaving = new AbortController();
      const stream = world.client(endpoint).stream("Hello!", { ...MODEL, maxTokens: 5000, signal: leaving.signal });
      let pieces = 0;
      const { error } = await read(stream, async () => {
        pieces += 1;
        if (pieces < 3) return;
        // The next piece is read ahead while the reader is at this one.
        await sleep(100);
        abort(leaving, stream);
      });
      check(error instanceof APIUserAbortError, `${way}: found ${String(error)}`);
      equal([error.phase, error.attempts], ["stream", 1], `${way}: phase, attempts`);
      equal(pieces, 3, `${way}: pieces`);
      await endpoint.until((truth) => truth.aborted === 1, `${way}: the endpoint sees it`);
    }
  },

  async "break out of a stream closes it upstream"(world) {
    const endpoint = world.endpoint("tokens=5000,tpot=10");
    const llm = world.client(endpoint);
    for await (const _ of llm.stream("Hello!", { ...MODEL, maxTokens: 5000 })) break;
    await endpoint.until((truth) => truth.aborted === 1, "the endpoint sees it");
    const thrown = await (async () => {
      for await (const _ of llm.stream("Hello!", { ...MODEL, maxTokens: 5000 })) throw new Error("from the loop");
    })().catch((error: Error) => error.message);
    equal(thrown, "from the loop", "the loop's own error");
    await endpoint.until((truth) => truth.aborted === 2, "the endpoint sees that too");
    equal(llm.stats().models[0]?.inFlight, 0, "in flight");
  },

  async "a stream that is dropped unread can be aborted"(world) {
    const endpoint = world.endpoint("tokens=5000,tpot=10");
    const stream = world.client(endpoint).stream("Hello!", { ...MODEL, maxTokens: 5000 });
    await endpoint.until((truth) => truth.in_flight === 1, "it is in flight");
    stream.abort();
    await endpoint.until((truth) => truth.aborted === 1, "the endpoint sees it");
  },

  async "leaving a batch takes back what is under way"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=ln:60:1");
    const llm = world.client(endpoint, { concurrency: 4 });
    // The first to finish: the first of all may be a slow one, and many would pass it by.
    for await (const _ of llm.batch(Array.from({ length: 50 }, () => "x"), { ...MODEL, order: "finished" })) break;
    await endpoint.until((truth) => truth.in_flight === 0, "nothing is in flight");
    check((await endpoint.truth()).requests < 20, "few were sent");
  },

  async "an aborted batch settles every item"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const leaving = new AbortController();
    const run = world.client(endpoint, { concurrency: 2 }).batch(["a", "b", "c"], { ...MODEL, signal: leaving.signal });
    const items = run.settled();
    await endpoint.until((truth) => truth.in_flight === 2, "two are in flight");
    leaving.abort();
    const kinds = (await settled(items, "the batch")).map((item) => item.status === "rejected" && item.reason.kind);
    equal(kinds, ["aborted", "aborted", "aborted"], "kinds");
    await endpoint.until((truth) => truth.in_flight === 0, "nothing is in flight");
  },

  async "a batch takes what a call takes for a signal"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const llm = world.client(endpoint);
    // As those of other realms and of stand-ins may be.
    const signal = Object.assign(new EventTarget(), { aborted: false, reason: new Error("enough") }) as unknown as AbortSignal;
    const call = failure(llm.generate("Hello!", { ...MODEL, signal }));
    const items = llm.batch(["a"], { ...MODEL, signal }).settled();
    await endpoint.until((truth) => truth.in_flight === 2, "both are in flight");
    Object.assign(signal, { aborted: true });
    signal.dispatchEvent(new Event("abort"));
    const [item] = await settled(items, "the batch");
    equal([(await call).kind, item?.reason?.kind], ["aborted", "aborted"], "kinds");
    equal((item?.reason?.cause as Error).message, "enough", "cause");
  },

  async "hooks of a batch that throw spoil nothing"(world) {
    const llm = world.client(world.endpoint("tokens=2"));
    const onProgress = () => {
      throw new Error("from the hook");
    };
    const outcome = await settled(
      llm.batch(["a", "b"], { ...MODEL, onProgress }).settled().then((items) => items.map((item) => item.status), String),
      "the batch",
    );
    equal(outcome, ["fulfilled", "fulfilled"], "outcomes");
  },

  async "dispose ends what is under way, in every phase"(world) {
    const endpoint = world.endpoint("tokens=5000,tpot=10,ttft=20");
    const llm = world.client(endpoint, { concurrency: 2 });
    const ends = [0, 1, 2].map(() => read(llm.stream("Hello!", { ...MODEL, maxTokens: 5000 })));
    await endpoint.until((truth) => truth.in_flight === 2, "two are in flight");
    llm.dispose();
    for (const { error } of await settled(Promise.all(ends), "the streams")) equal(error?.kind, "aborted", "kind");
    await endpoint.until((truth) => truth.in_flight === 0 && truth.aborted === 2, "the endpoint sees it");
  },

  async "disposing of a client takes no call from those that share its connections"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=150");
    const llm = world.client(endpoint);
    const made = llm.withOptions({ timeout: 60_000 });
    const pairs = [[made, llm], [llm, llm.withOptions({ timeout: 30_000 })]] as const;
    for (const [index, [left, kept]] of pairs.entries()) {
      const calls = [kept.generate("Hello!", MODEL), kept.stream("Hello!", MODEL).result()];
      await endpoint.until((truth) => truth.requests === 2 * (index + 1), "they have been sent");
      left.dispose();
      for (const { usage } of await settled(Promise.all(calls), "the calls")) equal(usage?.outputTokens, 2, "tokens");
    }
    pairs[1][1].dispose();
  },

  async "a long-lived signal collects no listeners"(world) {
    const llm = world.client(world.endpoint("tokens=1"));
    const { signal } = new AbortController();
    let open = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => ((open += 1), add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => ((open -= 1), remove(...args));
    for (let i = 0; i < 5; i += 1) {
      await llm.generate("Hello!", { ...MODEL, signal });
      await read(llm.stream("Hello!", { ...MODEL, signal }));
    }
    equal(open, 0, "listeners");
  },

  async "after a trap every call fails as poisoned, and the next one works"(world) {
    const endpoint = world.endpoint("tokens=5,ttft=3000");
    const quick = world.endpoint("tokens=5");
    const llm = world.client(endpoint, { concurrency: 2 });
    const other = world.client(quick);
    await other.generate("Hello!", MODEL);
    const streaming = world.endpoint("tokens=5000,tpot=10");
    const stream = world.client(streaming).stream("Hello!", { ...MODEL, maxTokens: 5000 })[Symbol.asyncIterator]();
    await stream.next();
    const pending = [0, 1, 2].map(() => failure(llm.generate("Hello!", MODEL)));
    const streamed = failure((async () => { for (;;) if ((await stream.next()).done) return "the end"; })());
    await endpoint.until((truth) => truth.in_flight === 2, "they are in flight");
    const entering = world.trap(() => failure(other.generate("Hello!", MODEL)));
    const kinds = (await settled(Promise.all([...pending, streamed, entering]), "the calls")).map((error) => error.kind);
    equal(kinds, Array.from({ length: 5 }, () => "poisoned"), "kinds");
    equal((await other.generate("Hello!", MODEL)).usage?.outputTokens, 5, "the next call");
    equal((await read(other.stream("Hello!", MODEL))).error, undefined, "the next stream");
    await endpoint.until((truth) => truth.in_flight === 0, "what was in flight is closed");
    await streaming.until((truth) => truth.in_flight === 0, "so is the stream");
    await eventually(() => other.stats().models[0]?.inFlight === 0, "the figures begin anew");
  },

  async "a call that a listener begins at a trap goes on"(world) {
    const begun: Promise<unknown>[] = [];
    const fetch = (_: string, { body, signal }: RequestInit): Promise<Response> => {
      if (!String(body).includes("Slow")) return Promise.resolve(Response.json(ANSWER));
      return new Promise((_, reject) => {
        signal?.addEventListener("abort", () => {
          begun.push(llm.generate("Hello!", MODEL), other.generate("Hello!", MODEL));
          reject(signal.reason as Error);
        });
      });
    };
    const llm = world.client("http://127.0.0.1:9/v1", { fetch });
    const other = llm.withOptions({ timeout: 5000 });
    const slow = [0, 1, 2].map(() => failure(llm.generate("Slow", MODEL)));
    await sleep(10);
    const entering = failure(world.trap(() => other.generate("Hello!", MODEL)));
    const kinds = (await settled(Promise.all([...slow, entering]), "the calls")).map(({ kind }) => kind);
    equal(kinds, Array.from({ length: 4 }, () => "poisoned"), "kinds");
    await eventually(() => begun.length === 6, "others have begun");
    await settled(Promise.all(begun), "the others");
    for (const client of [llm, other]) equal(client.stats().models[0]?.inFlight, 0, "in flight");
  },

  async "what still comes for a client that is gone reaches nobody else after a trap"(world) {
    let end = (): void => {};
    const events = ["{\"delta\":{\"content\":\"Hello!\"}}", "{\"delta\":{},\"finish_reason\":\"stop\"}"];
    const text = events.map((choice) => `data: {"id":"x","choices":[${choice}]}\n\n`).join("");
    const gone = world.client("http://127.0.0.1:9/v1", {
      fetch: async () => {
        const start = (controller: ReadableStreamDefaultController): void => {
          controller.enqueue(new TextEncoder().encode(`${text}data: [DONE]\n\n`));
          end = () => controller.close();
        };
        return new Response(new ReadableStream({ start }), { headers: { "content-type": "text/event-stream" } });
      },
    });
    equal((await read(gone.stream("Hello!", MODEL))).text, "Hello!", "the text");
    gone.dispose();
    const fetch = () => sleep(50).then(() => Response.json(ANSWER));
    const llm = world.client("http://127.0.0.1:9/v1", { fetch, concurrency: 32 });
    equal((await failure(world.trap(() => llm.generate("Hello!", MODEL)))).kind, "poisoned", "the trap");
    // So many that one of them has the number that the other's exchange had.
    const next = Array.from({ length: 32 }, () => llm.generate("Hello!", MODEL));
    await sleep(10);
    end();
    const texts = new Set((await settled(Promise.all(next), "the next calls")).map(({ text }) => text));
    equal([...texts], ["Hello!"], "what they say");
  },
};
