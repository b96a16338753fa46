// What cannot be done is said before anything is sent.

import { APIUserAbortError, Kneepoint, KneepointError } from "kneepoint";

import { check, equal, includes, settled, sleep } from "../assert.ts";
import { failure, KEY, MODEL, type Promises, read, refusal } from "../world.ts";

/** Options that nobody should have to debug, the option that the refusal names, and what else it says. */
type Bad = [string, Record<string, unknown>, string, string?];

const BAD_CLIENTS: Bad[] = [
  ["an unknown name", { baseUrl: "http://x/v1" }, "baseUrl"],
  ["a limit of text", { concurrency: "many" }, "concurrency", "a whole number from 1 "],
  ["a limit of none", { concurrency: 0 }, "concurrency", "a whole number from 1 "],
  ["a limit below none", { concurrency: -1 }, "concurrency"],
  ["a limit of no number", { concurrency: Number.NaN }, "concurrency"],
  ["a queue of text", { maxQueue: "long" }, "maxQueue", "a whole number from 1 "],
  ["a queue of none", { maxQueue: 0 }, "maxQueue", "a whole number from 1 "],
  ["half a retry", { maxRetries: 0.5 }, "maxRetries", "a whole number from 0 "],
  ["more retries than anybody can count", { maxRetries: 5e9 }, "maxRetries", "to 4,294,967,295"],
  ["a timeout of text", { timeout: "60s" }, "timeout"],
  ["a timeout of nothing", { timeout: 0 }, "timeout", "above 0"],
  ["a timeout of more than a year", { timeout: 1e12 }, "timeout", "a year"],
  ["a timeout of no number", { timeout: Number.NaN }, "timeout"],
  ["a provider that nobody knows", { provider: "nobody", baseURL: undefined }, "provider"],
  ["a provider that is called as objects' own things are", { provider: "constructor", baseURL: undefined }, "provider"],
  ["a provider with a line break", { provider: "no\nbody", baseURL: undefined }, "provider", '"no\\nbody"'],
  ["a base URL that is none", { baseURL: "api.example.com/v1" }, "baseURL"],
  ["another scheme", { baseURL: "ftp://example.com" }, "baseURL"],
  ["an empty host", { baseURL: "https://" }, "baseURL"],
  ["a password in the address", { baseURL: "https://me:pw@example.com/v1" }, "baseURL"],
  ["a line break in the address", { baseURL: "https://example.com/v1\r\nx: y" }, "baseURL"],
  ["a key of a number", { apiKey: 7 }, "apiKey"],
  ["a fetch that is none", { fetch: "fetch" }, "fetch"],
  ["a logger that cannot warn", { logger: { error() {} } }, "logger"],
  ["a level that there is not", { logLevel: "loud" }, "logLevel", 'found "loud", expected one of off, error, warn'],
  ["a list of caches", { cache: ["memory"] }, "cache", "an array"],
  ["a list of what fetch is told", { fetchOptions: [] }, "fetchOptions"],
  ["parameters in a map", { defaultQuery: new Map([["a", "b"]]) }, "defaultQuery", "a Map"],
  ["a parameter that is null", { defaultQuery: { a: null } }, "query", 'null in "a"'],
  ["header fields that are no pairs", { defaultHeaders: ["x-team: blue"] }, "headers", "a name and a value"],
  ["a header field that nobody waited for", { defaultHeaders: { "x-team": Promise.resolve("blue") } }, "headers", '"x-team"'],
];

const BAD_CALLS: Bad[] = [
  ["a retry count of text", { maxRetries: "3" }, "maxRetries"],
  ["a timeout of no number", { timeout: Number.NaN }, "timeout"],
  ["a timeout that is none, which only clients have", { timeout: null }, "timeout"],
  ["an attempt's timeout that is none", { attemptTimeout: null }, "attemptTimeout"],
  ["a signal that is none", { signal: 5 }, "signal"],
  ["half a step of priority", { priority: 0.5 }, "priority"],
  ["an option of the client", { firstTokenTimeout: 500 }, "firstTokenTimeout", "withOptions"],
  ["a key of its own", { apiKey: KEY }, "apiKey", "withOptions"],
  ["tokens without a bound, which JSON cannot say", { maxTokens: Infinity }, "maxTokens", "Infinity"],
  ["tokens as a text", { maxTokens: "20" }, "maxTokens"],
  ["parameters that have no names of their own", { query: new URLSearchParams("a=1") }, "query", "URLSearchParams"],
  ["a parameter that is an object", { query: { a: { b: 1 } } }, "query"],
  ["a header field that is an object", { headers: { x: {} } }, "headers"],
  ["an empty idempotency key", { idempotencyKey: "" }, "idempotencyKey"],
  ["a header's name with a line break", { headers: { "x\r\ny": "z" } }, "headers"],
  ["a header's value with a line break", { headers: { x: "y\r\nz: 1" } }, "headers"],
  ["a header's value with a NUL", { headers: { x: "y\0" } }, "headers"],
  ["an idempotency key with a line break", { idempotencyKey: "a\nb" }, "headers"],
];

export const options: Promises = {
  async "options of a client that cannot be meant are refused by name"() {
    for (const [what, bad, option, words = ""] of BAD_CLIENTS) {
      const settings = { baseURL: "http://127.0.0.1:9/v1", apiKey: KEY, dangerouslyAllowBrowser: true, ...bad };
      // Where the module is still loading, what only it can judge is refused by the first call.
      const error = await refusal(() => new Kneepoint(settings as object).generate("Hello!", MODEL), what);
      equal([error.kind, error.option], ["config", option], what);
      includes(error.message, option, what);
      includes(error.message, words, what);
      check(!error.message.includes("me:pw"), `${what}: a password was repeated`);
    }
  },

  async "options of a call that cannot be meant are refused by name, before anything is sent"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    for (const [what, bad, option, words = ""] of BAD_CALLS) {
      for (const error of [
        await failure(llm.generate("Hello!", { ...MODEL, ...bad }), what),
        (await read(llm.stream("Hello!", { ...MODEL, ...bad }))).error,
      ]) {
        equal([error?.kind, error?.option, error?.phase], ["config", option, "queue"], what);
        includes(error?.message ?? "", words, what);
        check(!error?.message.includes(KEY), `${what}: a key was repeated`);
      }
    }
    equal((await endpoint.truth()).requests, 0, "requests");
    equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 2, "a good call goes on");
  },

  async "what no batch can mean is refused at once"(world) {
    const llm = world.client("http://127.0.0.1:9/v1");
    const batch = llm.batch.bind(llm) as (prompts: unknown, options: unknown) => unknown;
    const cases: [string, unknown, unknown, string][] = [
      ["a window of no number", ["a"], { ...MODEL, concurrency: Number.NaN }, "concurrency"],
      ["a window of none", ["a"], { ...MODEL, concurrency: 0 }, "concurrency"],
      ["half a call more", ["a"], { ...MODEL, concurrency: 1.5 }, "concurrency"],
      ["an order that there is not", ["a"], { ...MODEL, order: "random" }, "order"],
      ["an order of no text", ["a"], { ...MODEL, order: 10n }, "order"],
      ["progress told to nobody", ["a"], { ...MODEL, onProgress: "log" }, "onProgress"],
      ["a signal that is none", ["a"], { ...MODEL, signal: {} }, "signal"],
      ["one prompt", "Hello!", MODEL, "prompts"],
      ["no prompts", undefined, MODEL, "prompts"],
      ["no options", ["a"], undefined, "options"],
    ];
    for (const [what, prompts, told, option] of cases) {
      const error = await refusal(() => batch(prompts, told), what);
      equal([error.kind, error.option], ["config", option], what);
    }
  },

  async "what no request can be is refused, and spoils nothing that is under way beside it"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=100");
    const llm = world.client(endpoint);
    const beside = llm.generate("Hello!", MODEL);
    const { completions } = llm.chat;
    const cases: [string, () => PromiseLike<unknown>, string][] = [
      ["no path", () => llm.get(undefined as never), "path"],
      ["a path of no text", () => llm.post(5 as never), "path"],
      ["a method that there is not", () => llm.request({ method: "HEAD" as never, path: "/models" }), "method"],
      ["a method of no text", () => llm.request({ method: 5 as never, path: "/models" }), "method"],
      ["no request", () => llm.request(undefined as never), "options"],
      ["parameters as a text", () => llm.get("/models", { query: "a=1" as never }), "query"],
      ["an option of the client", () => completions.create({ ...MODEL, messages: [] }, { hedge: true } as never), "hedge"],
      ["no body", () => completions.create(undefined as never), "body"],
      ["no prompt", () => llm.generate(undefined as never, { ...MODEL, system: "Be brief." }), "prompt"],
      ["no options", () => llm.generate("Hello!", undefined as never), "options"],
      ["no prompt of a stream", () => llm.stream(undefined as never, MODEL).result(), "prompt"],
    ];
    for (const [what, call, option] of cases) {
      const error = await failure(Promise.resolve().then(call), what);
      equal([error.kind, error.option], ["config", option], what);
    }
    equal((await beside).usage?.outputTokens, 2, "the call beside them");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "a client is changed by options that can be meant, or not at all"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    const cases: [unknown, string][] = [
      [undefined, "options"],
      [null, "options"],
      ["http://127.0.0.1:9/v1", "options"],
      [{ concurrency: 0 }, "concurrency"],
      [{ concurency: 3 }, "concurency"],
    ];
    for (const [bad, option] of cases) {
      const made = async () => llm.withOptions(bad as object).generate("Hello!", MODEL);
      equal((await failure(made(), option)).option, option, `with ${JSON.stringify(bad)}`);
    }
    equal((await llm.generate("Hello!", MODEL)).usage?.outputTokens, 2, "the client itself");
  },

  async "a time without an end is one"(world) {
    const hurried = world.client(world.endpoint("tokens=2,ttft=150"), { timeout: 20 });
    equal((await failure(hurried.generate("Hello!", MODEL))).kind, "timeout", "the client's time");
    equal((await hurried.generate("Hello!", { ...MODEL, timeout: Infinity })).usage?.outputTokens, 2, "a call's own");
    const told: number[] = [];
    const store = { get: () => undefined, set: (_: string, __: string, ttl: number) => told.push(ttl) };
    const llm = world.client(world.endpoint("tokens=2"), { cache: { store, ttl: Infinity } });
    await llm.generate("Hello!", MODEL);
    check((told[0] ?? 0) > 300 * 86_400_000, `an answer is kept for ${told} ms`);
    const leaving = new AbortController();
    const onAttempt = () => leaving.abort();
    const settings = { maxRetries: 1, maxRetryWait: Infinity, onAttempt };
    const patient = world.client(world.endpoint("fault=retry_after_90"), settings);
    const call = patient.generate("Hello!", { ...MODEL, signal: leaving.signal });
    equal((await failure(call)).kind, "aborted", "a call that a server asked to wait for longer than usual");
  },

  async "keys that no header can carry are refused without being repeated"(world) {
    const endpoint = world.endpoint("tokens=2");
    for (const bad of [`${KEY}\r\nx: y`, `${KEY}\0`, `${KEY}é€`, `Bearer ${KEY}`]) {
      const error = await refusal(() => world.client(endpoint, { apiKey: bad }).generate("Hello!", MODEL), JSON.stringify(bad));
      equal([error.kind, error.option], ["config", "apiKey"], JSON.stringify(bad));
      const later = world.client(endpoint, { apiKey: async () => bad });
      equal((await failure(later.generate("Hello!", MODEL))).option, "apiKey", "the same from a function");
    }
    equal((await endpoint.truth()).requests, 0, "requests");
  },

  async "a function that has no key fails the call with its own error"(world) {
    const endpoint = world.endpoint("tokens=2");
    for (const apiKey of [
      () => Promise.reject(new Error("the vault is shut")),
      () => {
        throw new Error("the vault is shut");
      },
    ]) {
      const llm = world.client(endpoint, { apiKey });
      includes(await caught(llm.generate("Hello!", MODEL)), "the vault is shut", "the error");
      includes((await caught(llm.stream("Hello!", MODEL).result())), "the vault is shut", "the stream's error");
    }
    equal((await endpoint.truth()).requests, 0, "requests");
  },

  async "a function that never has a key costs a call its timeout, and can be taken back"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint, { timeout: 50, apiKey: () => new Promise<string>(() => {}) });
    const error = await failure(llm.generate("Hello!", MODEL));
    equal([error.kind, error.phase, error.option], ["timeout", "queue", "timeout"], "the error");
    equal((await read(llm.stream("Hello!", { ...MODEL, timeout: 20 }))).error?.kind, "timeout", "the stream's");
    const patient = llm.withOptions({ timeout: null });
    const signal = AbortSignal.timeout(20);
    equal((await failure(patient.generate("Hello!", { ...MODEL, signal }))).kind, "aborted", "taken back");
    equal((await endpoint.truth()).requests, 0, "requests");
  },

  async "a function that fails when its call has been taken back is not heard of any more"(world) {
    let refuse = (_: Error): void => {};
    const key = new Promise<string>((_, reject) => {
      refuse = reject;
    });
    const leaving = new AbortController();
    const llm = world.client(world.endpoint("tokens=2"), { apiKey: () => key });
    const pieces = llm.stream("Hello!", { ...MODEL, signal: leaving.signal })[Symbol.asyncIterator]();
    leaving.abort();
    equal((await failure(pieces.next())).kind, "aborted", "kind");
    refuse(new Error("the vault is shut"));
    await sleep(5);
    equal((await pieces.next()).done, true, "nothing follows");
  },

  async "what is no object of options is refused as such"() {
    for (const bad of [null, "http://127.0.0.1:9/v1", 5, []]) {
      const error = await refusal(() => new Kneepoint(bad as unknown as object), String(bad));
      equal([error.kind, error.option], ["config", "options"], String(bad));
    }
  },

  async "a body that cannot be written as JSON is refused before anything is sent"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (const bad of [circle, 10n, { toJSON: () => { throw new Error("no"); } }]) {
      const error = await failure(llm.generate("Hello!", { ...MODEL, metadata: bad }));
      equal([error.kind, error.option], ["config", "body"], "the error");
    }
    equal((await endpoint.truth()).requests, 0, "requests");
  },

  async "clients that share connections send each what is its own"(world) {
    const [one, two] = [world.endpoint("tokens=2"), world.endpoint("tokens=2,ttft=1")];
    const llm = world.client(one, { defaultHeaders: { "idempotency-key": "one" } });
    const made = llm.withOptions({ baseURL: two.baseURL, defaultHeaders: { "idempotency-key": "two" } });
    for (const client of [llm, made, llm, made, llm]) await client.generate("Hello!", MODEL);
    equal((await one.truth()).attempts_by_key, { one: 3 }, "the one's");
    equal((await two.truth()).attempts_by_key, { two: 2 }, "the other's");
  },

  async "what a call was told counts as it was then, though its key comes later"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint, { apiKey: () => sleep(5).then(() => KEY) });
    const headers: Record<string, string> = {};
    const calls = ["one", "two", "three"].map((name) => {
      headers["idempotency-key"] = name;
      return llm.generate("Hello!", { ...MODEL, headers });
    });
    await settled(Promise.all(calls), "the calls");
    const { attempts_by_key: attempts } = await endpoint.truth();
    equal(Object.entries(attempts).sort(), [["one", 1], ["three", 1], ["two", 1]], "attempts by key");
  },

  async "parameters of a client's URLs stay as they were when it was made"(world) {
    const urls: string[] = [];
    const defaultQuery = { version: "1" };
    const fetch = async (url: string) => {
      urls.push(new URL(url).search);
      return Response.json({ id: "x" });
    };
    const llm = world.client("http://127.0.0.1:9/v1", { fetch, defaultQuery });
    defaultQuery.version = "2";
    await llm.get("/a");
    await llm.get("/a", { query: { more: "yes" } });
    equal(urls, ["?version=1", "?version=1&more=yes"], "parameters");
  },

  async "a client made for another provider is told nothing that the environment says of the first"(world) {
    const environment = globalThis.process?.env;
    if (world.place.runtime !== "node" || environment === undefined) return;
    const told: (string | null)[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      const headers = init.headers as Headers;
      told.push(url, headers.get("authorization"), headers.get("openai-organization"));
      return Response.json({ data: [] });
    };
    const before = { ...environment };
    Object.assign(environment, { OPENAI_API_KEY: KEY, OPENAI_ORG_ID: "ours", OPENAI_BASE_URL: "http://one.test/v1" });
    try {
      const llm = new Kneepoint({ fetch });
      const clients = [llm.withOptions({ maxRetries: 0 }), llm.withOptions({ provider: "http://two.test/v1" })];
      for (const client of clients) await client.get("/models");
    } finally {
      for (const name of ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_BASE_URL"]) {
        if (before[name] === undefined) delete environment[name];
        else environment[name] = before[name];
      }
    }
    const expected = ["http://one.test/v1/models", `Bearer ${KEY}`, "ours", "http://two.test/v1/models", null, null];
    equal(told, expected, "addresses, keys, organizations");
  },

  async "a dispatcher of one's own may answer at once, change what it is given, and use the client"(world) {
    if (world.place.runtime !== "node") return;
    const marks: string[][] = [];
    const controller = { abort() {}, pause() {}, resume() {} };
    const dispatcher = {
      dispatch(options: { headers: string[] }, handler: Record<string, (...told: unknown[]) => void>): boolean {
        options.headers.push("x-mark", String(marks.length));
        marks.push(options.headers.filter((_, i, all) => all[i - 1] === "x-mark"));
        equal(llm.stats().calls, marks.length, "calls");
        handler["onRequestStart"]?.(controller);
        handler["onResponseStart"]?.(controller, 200, { "content-type": "application/json" });
        handler["onResponseData"]?.(controller, new TextEncoder().encode('{"id":"x"}'));
        handler["onResponseEnd"]?.(controller, {});
        return true;
      },
    };
    const llm = world.client("http://127.0.0.1:9/v1", { fetchOptions: { dispatcher } });
    for (let i = 0; i < 3; i += 1) {
      const answer = await settled(llm.post("/chat/completions", { body: MODEL }), "the answer");
      equal((answer as { id: string }).id, "x", "the answer");
    }
    equal(marks, [["0"], ["1"], ["2"]], "marks");
  },

  async "of a dispatcher that begins to answer anew the first head counts"(world) {
    if (world.place.runtime !== "node") return;
    const controller = { abort() {}, pause() {}, resume() {} };
    const dispatcher = {
      dispatch(_: object, handler: Record<string, (...told: unknown[]) => void>): boolean {
        handler["onRequestStart"]?.(controller);
        handler["onResponseStart"]?.(controller, 200, { "content-type": "application/json", "x-request-id": "first" });
        setTimeout(() => {
          handler["onResponseStart"]?.(controller, 200, { "content-type": "application/json", "x-request-id": "second" });
          handler["onResponseData"]?.(controller, new TextEncoder().encode('{"id":"x"}'));
          handler["onResponseEnd"]?.(controller, {});
        });
        return true;
      },
    };
    const llm = world.client("http://127.0.0.1:9/v1", { fetchOptions: { dispatcher } });
    const answer = await settled(llm.post("/chat/completions", { body: MODEL }), "the answer");
    equal(answer, { id: "x" }, "the answer");
    equal((answer as { _request_id?: string })._request_id, "first", "the request");
  },

  async "a call after dispose is refused, and dispose may be called twice"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    await llm.generate("Hello!", MODEL);
    llm.dispose();
    llm.dispose();
    equal((await failure(llm.generate("Hello!", MODEL))).kind, "disposed", "kind");
    equal((await read(llm.stream("Hello!", MODEL))).error?.kind, "disposed", "kind of a stream");
    const [item] = await llm.batch(["a"], MODEL).settled();
    equal(item?.status === "rejected" && item.reason.kind, "disposed", "kind in a batch");
    equal(typeof llm.stats().calls, "number", "figures may still be asked for");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "disposing of a client leaves those made from it in place"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint);
    const other = llm.withOptions({ timeout: 5000 });
    await llm.generate("Hello!", MODEL);
    llm.dispose();
    equal((await other.generate("Hello!", MODEL)).usage?.outputTokens, 2, "tokens");
    other.dispose();
  },

  async "a key in a page needs the word that it may be there"(world) {
    const settings = { baseURL: "http://127.0.0.1:9/v1", apiKey: KEY };
    const made = (): Kneepoint => new Kneepoint(settings);
    if (world.isOpaque) equal((await refusal(made, "a key in a page")).option, "apiKey", "option");
    else made().dispose();
  },

  async "errors are of the family, and abort is no timeout"(world) {
    const error = await failure(
      world.client(world.endpoint("tokens=2")).generate("Hello!", { ...MODEL, signal: AbortSignal.abort("why not") }),
    );
    check(error instanceof APIUserAbortError && error instanceof KneepointError && error instanceof Error, "class");
    equal([error.cause, Object.keys(error).includes("cause")], ["why not", false], "the reason, and whether it is listed");
    equal([error.kind, error.name === "" ? "" : "named"], ["aborted", "named"], "kind");
    class Mine extends KneepointError {}
    check(new Mine() instanceof KneepointError && !(error instanceof Mine), "a class of one's own");
    check(!(new Error() instanceof KneepointError), "no other error is of the family");
    const inside = Object.keys(await import("kneepoint")).filter((name) => /^[a-z]/.test(name));
    equal(inside, ["decodeText", "default"], "what the main entry has beside its classes");
  },
};

async function caught(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "it succeeded",
    (error: unknown) => String(error),
  );
}
