// The benchmark engine measures what it was told to, wherever it runs.

import { APIError, type ClientOptions, KneepointError } from "kneepoint";

import { check, equal, includes, settled } from "../assert.ts";
import { KEY, type Promises, told } from "../world.ts";

/** A module of its own, which is loaded by those who measure only. */
const load = () => import("kneepoint/bench");

/** Short windows; whether this machine is busy is not what is tried. */
const SHORT = {
  window_min_s: 0.3,
  window_max_s: 3,
  settle_s: 1,
  completions_min: 10,
  verify_s: 0.5,
  recover_s: 1,
  rest_s: 0.1,
  repeat: false,
  stop_client_bound: false,
};

const target = (baseURL: string) => ({
  baseURL,
  apiKey: KEY,
  model: "m",
  maxTokens: 4,
  dangerouslyAllowBrowser: true,
});

export const measures: Promises = {
  async "a benchmark sends what it was told to, counts it, and reports it without the key"(world) {
    const { bench, FORMATS, METRICS, renderReport } = await load();
    for (const stream of [true, false]) {
      const endpoint = world.endpoint("ttft=20,tpot=1,tokens=4");
      const run = bench({ ...target(endpoint.baseURL), requests: 12, concurrency: 3, stream });
      let ticks = 0;
      for await (const tick of run) ticks += Number(tick.in_flight <= 3);
      const report = await run;
      const [rung] = report.rungs;
      equal([rung?.requests, rung?.ok, rung?.output_tokens], [12, 12, 48], `stream ${stream}: requests, ok, tokens`);
      equal(rung?.concurrency_peak, 3, `stream ${stream}: at once`);
      equal(METRICS.filter((metric) => rung?.[metric] === undefined), [], `stream ${stream}: times that it lacks`);
      check(ticks > 0, "its progress was told");
      check((rung?.e2e?.quantiles[0]?.value ?? 0) >= 20, "no answer came before its time");
      const { completed, in_flight_max } = await endpoint.truth();
      equal([completed, in_flight_max <= 3], [12, true], `stream ${stream}: what the endpoint saw`);
      includes(renderReport(report, "text"), "Total requests: 12", "the text");
      equal(FORMATS.filter((format) => renderReport(report, format) === ""), [], "formats without words");
      check(!JSON.stringify(report).includes(KEY), "the report holds the key");
    }
  },

  async "a ladder finds where an endpoint begins to refuse"(world) {
    const { knee } = await load();
    const endpoint = world.endpoint("slots=3,ttft=60,tokens=4,retry_after=off");
    const { answer } = await knee({ ...target(endpoint.baseURL), ladder: { ...SHORT, factor: 6, max: 6 } });
    equal(answer?.stop.value, "rate_limited", "the stop");
    const limit = answer?.limit?.value ?? 0;
    check(limit === 2 || limit === 3, `the limit of three is ${JSON.stringify(answer?.limit)}`);
  },

  async "a benchmark of an endpoint that is not there says so, and what cannot be is refused"(world) {
    const { bench, ready, renderReport } = await load();
    await ready();
    const report = await bench({ ...target(`${world.place.closed}/v1`), requests: 2, maxRetries: 0 });
    equal([report.rungs[0]?.requests, report.rungs[0]?.ok], [2, 0], "requests, ok");
    includes(renderReport(report, "text"), "None of 2 requests was answered", "the text");
    let refused: unknown;
    try {
      await bench({ ...target(`${world.place.closed}/v1`), requests: 0 });
    } catch (error) {
      refused = error;
    }
    includes(told(refused), "measure nothing", "the refusal");
    check(refused instanceof KneepointError && !(refused instanceof APIError), "it is of the main entry's family too");
  },

  async "options of a benchmark that cannot be meant are refused by name"(world) {
    const { bench, compare, knee, KneepointError } = await load();
    const asked = { ...target(`${world.place.closed}/v1`), requests: 2 };
    const options = (more: object) => bench({ ...asked, ...more } as never);
    const sides = (more: object) => compare({ ...asked, a: {}, b: {}, ...more } as never);
    const cases: [string, () => PromiseLike<unknown>, string?][] = [
      ["cache", () => options({ cache: true }), "the server's"],
      ["dedupe", () => options({ dedupe: true }), "the server's"],
      ["hedge", () => options({ hedge: true })],
      ["maxQueue", () => options({ maxQueue: 5 })],
      ["onAttempt", () => options({ onAttempt() {} }), "onSample"],
      ["logLevel", () => options({ logLevel: "info" }), "onSample"],
      ["ladder", () => options({ ladder: { max: 4 } }), "knee()"],
      ["requests", () => knee({ ...target(asked.baseURL), requests: 5 } as never), "ladder"],
      ["arrivals", () => options({ arrivals: "poisson" }), "a rate"],
      ["arrivals", () => options({ rate: 5, arrivals: "closed" }), "poisson"],
      ["steps", () => options({ ramp: { from: 1, to: 2, over: 100, steps: 3 } })],
      ["ramp", () => options({ ramp: { from: 1, to: 2 } }), "over"],
      ["prompt", () => options({ prompt: {} }), "prefix"],
      ["prices", () => options({ budget: { money: 1, prices: { input: 1 } } }), "output"],
      ["maxTokens", () => options({ maxTokens: Infinity })],
      ["extra", () => options({ extra: { n: 10n } })],
      ["defaultHeaders", () => options({ defaultHeaders: { accept: null } })],
      ["apiKey", () => options({ apiKey: async () => 5 }), "function"],
      ["a", () => sides({ a: "http://one.test/v1" })],
      ["b", () => sides({ b: undefined })],
      ["concurrency", () => sides({ a: { concurrency: 3 } }), "both sides"],
      ["pairs", () => sides({ pairs: 5.5 })],
      ["pairs", () => sides({ pairs: -5 })],
      ["conc", () => bench({ ...asked, conc: 3 } as never)],
      ["window_s", () => knee({ ...target(asked.baseURL), ladder: { window_s: 3 } as never })],
      ["tttf", () => bench({ ...asked, slo: { tttf: 500 } as never })],
      ["prompt", () => bench({ ...asked, prompt: 5 as never })],
      ["signal", () => bench({ ...asked, signal: {} as never })],
      ["onSample", () => bench({ ...asked, onSample: 5 as never })],
      ["fetch", () => compare({ ...asked, a: { fetch } as never, b: {} })],
      ["budget", () => compare({ ...asked, a: { budget: 5 } as never, b: {} })],
      ["options", () => bench(undefined as never)],
    ];
    for (const [name, run, words = ""] of cases) {
      // Its errors are of the family, and not the very classes: the engine is a bundle of its own.
      const error = await settled(Promise.resolve().then(run).then(() => "it went on", (error) => error), name);
      check(error instanceof KneepointError, `${name}: found ${told(error)}, expected a KneepointError`);
      equal([error.kind, error.option], ["config", name], name);
      includes(error.message, words, name);
    }
  },

  async "a benchmark sends the client's header fields and parameters, and wants leave for a key in a page"(world) {
    const { bench } = await load();
    const { baseURL } = world.endpoint("tokens=4");
    const told: (string | null)[] = [];
    const send: ClientOptions["fetch"] = (url, init) => {
      const headers = init.headers as Headers;
      told.push(new URL(url).search, headers.get("x-team"), headers.get("openai-organization"));
      return fetch(url, init);
    };
    const more = { defaultHeaders: { "x-team": "blue" }, defaultQuery: { v: "1" }, organization: "ours", fetch: send };
    // What a page asks another origin for leave first is not what is tried.
    if (!world.isOpaque) {
      equal((await bench({ ...target(baseURL), ...more, requests: 1 })).rungs[0]?.ok, 1, "answers");
      equal(told, ["?v=1", "blue", "ours"], "parameters, fields");
    }
    const careless = bench({ ...target(baseURL), dangerouslyAllowBrowser: false, requests: 1, cache: undefined } as never);
    const end = await settled(careless.then(() => "it went on", ({ option }) => option), "the run");
    equal(end, world.isOpaque ? "apiKey" : "it went on", "a key in a page");
  },

  async "what is handed in as a report and is none spoils no run that is under way"(world) {
    const { bench, checkThresholds, compareReports, csvRow, merge, renderReport, summarize } = await load();
    const run = bench({ ...target(world.endpoint("tokens=4,ttft=100").baseURL), requests: 2 });
    let ticks = 0;
    for await (const _ of run) if ((ticks += 1) === 1) break;
    const cases: [string, () => unknown][] = [
      ["report", () => renderReport(undefined as never)],
      ["format", () => renderReport({} as never, 5 as never)],
      ["format", () => renderReport({} as never, "pdf" as never)],
      ["metric", () => renderReport({} as never, "text", { metric: 5 as never })],
      ["options", () => renderReport({} as never, "text", "ttft" as never)],
      ["reports", () => merge(undefined as never)],
      ["reports", () => merge([undefined as never])],
      ["b", () => compareReports({} as never, undefined as never)],
      ["samples", () => summarize(null as never)],
      ["rule", () => summarize([1], { rule: 5 as never })],
      ["thresholds", () => checkThresholds({} as never, "p95>1s" as never)],
      ["sample", () => csvRow(undefined as never)],
    ];
    for (const [option, call] of cases) {
      const error = await settled(Promise.resolve().then(call).then(() => "it went on", (error) => error), option);
      equal([error.kind, error.option], ["config", option], told(error));
    }
    equal((await run).rungs[0]?.ok, 2, "answers");
  },

  async "a benchmark's hooks that throw, at once or later, spoil nothing"(world) {
    const { bench } = await load();
    const broken = new Error("from the hook");
    for (const onSample of [() => { throw broken; }, () => Promise.reject(broken)]) {
      const { baseURL } = world.endpoint("tokens=4");
      equal((await bench({ ...target(baseURL), requests: 2, onSample })).rungs[0]?.ok, 2, "answers");
    }
  },
};
