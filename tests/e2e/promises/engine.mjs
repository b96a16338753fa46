// What the engine measures, against what the server knows.

import assert from "node:assert/strict";

import { install, kneepoint } from "../../cli/command.mjs";
import { tried } from "../../knees/tries.mjs";
import { closed, job, ladder, run } from "../engine.mjs";

/** A spec of its own for each scene and promise, since the server counts by spec. */
let seeds = 0;
const own = (spec) => `${spec},seed=${++seeds}`;

const median = (metric) => metric.quantiles.find((quantile) => quantile.q === 0.5).value;

/** A request's times in milliseconds, by its own timestamps. */
function times({ t_start, t_first, t_last, out_tok }) {
  const [ttft, e2e] = [(t_first - t_start) / 1000, (t_last - t_start) / 1000];
  return { ttft, e2e, tpot: (e2e - ttft) / (out_tok - 1) };
}

/** The median of an even number of values. */
function middle(values) {
  const [low, high] = values.toSorted((a, b) => a - b).slice(values.length / 2 - 1);
  return (low + high) / 2;
}

const isChromium = (scene) => scene.startsWith("chromium");

export const engine = [
  {
    name: "the figures agree with the server's own counters",
    async work(scene) {
      const spec = own("ttft=2000,tpot=200,tokens=6");
      const told = await run(await scene.open(), job(spec, closed(18, 6)));
      assert.equal(told.failed, null);
      const { protocol, rungs, env } = told.report;
      const [rung] = rungs;
      const truth = await scene.stats(spec);
      assert.equal(rung.requests, 18);
      assert.equal(truth.requests, 18);
      assert.equal(rung.ok, truth.completed);
      assert.equal(rung.attempts, truth.requests);
      assert.equal(truth.in_flight_max, 6);
      assert.equal(rung.concurrency_peak, 6);
      assert.equal(protocol.http, scene.protocol);
      assert.equal(protocol.opened + protocol.reused, 18);
      if (scene.kind === "chromium") assert.equal(protocol.opened, truth.connections);
      const all = told.samples.map(times);
      assert.equal(all.length, 18);
      for (const name of ["ttft", "tpot", "e2e"]) {
        const [reported, expected] = [median(rung[name]), middle(all.map((one) => one[name]))];
        assert.ok(Math.abs(reported - expected) < 0.01, `${name}: ${reported}, by the requests ${expected}`);
      }
      // Other programs of this machine hold requests up, but hardly all three waves of them.
      for (const [{ min }, expected] of [[rung.ttft, 2000], [rung.e2e, 3000]]) {
        assert.ok(Math.abs(min - expected) <= 0.03 * expected, `found ${min}, expected ${expected}: ${JSON.stringify(all)}`);
      }
      assert.equal(rung.output_tokens, 108);
      assert.ok(told.ticks.length >= 10, `${told.ticks.length} ticks`);
      assert.match(env.runtime, scene.kind === "firefox" ? /^Firefox \d+$/ : /^Chromium \d+$/);
      assert.ok(env.browser && env.os === "Linux" && env.clock_step_us > 0 && env.started_unix_ms > 1.6e12);
    },
  },
  {
    name: "an endpoint over HTTP/1.1 is reached by six connections, and the report says why",
    where: (scene) => scene.endsWith("h1"),
    async work(scene) {
      const spec = own("ttft=100,tpot=10,tokens=10");
      const direct = { direct: { base_url: `${scene.origin}/mock/${spec}/v1`, dialect: "open_ai" } };
      const { report } = await run(await scene.open(), job(direct, closed(60, 20)));
      const truth = await scene.stats(spec);
      assert.equal(truth.in_flight_max, 6);
      assert.equal(report.protocol.cap, 6);
      assert.match(report.protocol.notes[0], /^at most 6 were on the wire at once: a browser opens 6 connections to one host/);
      assert.match(report.rungs[0].client.reasons.join(), /20 requests were wanted at once, above the 6 connections/);
    },
  },
  {
    name: "the simulated endpoint is not capped at six",
    async work(scene) {
      const spec = own("ttft=300,tpot=20,tokens=10");
      const { report } = await run(await scene.open(), job(spec, closed(120, 40)));
      const truth = await scene.stats(spec);
      assert.equal(truth.in_flight_max, 40);
      assert.equal(report.rungs[0].ok, 120);
      assert.ok(!report.rungs[0].client.reasons.some((reason) => reason.includes("wanted at once")));
      const notes = report.protocol.notes.join("\n");
      if (scene.isPlain) assert.match(notes, /reached by 7 names of this machine/);
      else assert.doesNotMatch(notes, /names of this machine/);
    },
  },
  {
    name: "Stop settles within a second and keeps what was measured",
    async work(scene) {
      const spec = own("ttft=100,tpot=100,tokens=100");
      const plan = closed(1000, 10);
      const told = await run(await scene.open(), job(spec, plan, { max_tokens: 5 }), { stopAfter: 2500 });
      const [rung] = told.report.rungs;
      assert.ok(rung.ok >= 10, `${rung.ok} were measured`);
      assert.equal(rung.requests, (await scene.stats(spec)).requests);
      assert.ok(told.report.method.stopped_early);
      // The engine's own pauses make up 0.8 s; the rest is for machines with too much to do.
      assert.ok(told.settledMs < 3000, `${told.settledMs} ms`);
    },
  },
  {
    name: "a page that is out of sight is noted in the report",
    where: (scene) => scene === "chromium-h2",
    async work(scene) {
      const spec = own("ttft=500,tpot=10,tokens=10");
      const { report } = await run(await scene.open(), job(spec, closed(12, 3)), { hide: true });
      assert.match(report.method.notes.join(), /^the page was out of sight for \d s of \d s/);
    },
  },
  {
    name: "an endpoint that pages may not call is told from one that fails",
    where: (scene) => scene === "chromium-h1",
    async work(scene) {
      scene.mayHear(/CORS policy|ERR_FAILED/);
      const spec = own("cors=off,tokens=5");
      const direct = { direct: { base_url: `${scene.server.http.replace("127.0.0.1", "localhost")}/mock/${spec}/v1`, dialect: "open_ai" } };
      const { report } = await run(await scene.open(), job(direct, closed(4, 2), { retries: 0 }));
      assert.deepEqual(report.rungs[0].classes.map(({ class: name, count }) => [name, count]), [["cors", 4]]);
    },
  },
  {
    name: "an upstream of the proxy is measured without a key in the page",
    where: isChromium,
    async work(scene) {
      const { failed, report } = await run(await scene.open(), job({ proxy: { name: "behind", dialect: "open_ai" } }, closed(10, 2)));
      assert.equal(failed, null);
      assert.equal(report.rungs[0].ok, 10);
      assert.equal(report.config.path, "/proxy/behind/v1/chat/completions");
    },
  },
  {
    name: "more than a browser sends at once is bounded, and said so",
    where: (scene) => scene === "chromium-h2",
    async work(scene) {
      const { report } = await run(await scene.open(), job(own("tokens=2"), closed(20, 5000)));
      assert.equal(report.config.load.concurrency, 1280);
      assert.match(report.method.notes.join(), /5000 requests at once were asked for and 1280 were sent/);
    },
  },
  ...ladderLike("the limit of a server that refuses beyond twenty", "slots=20,ttft=100,tpot=5,tokens=20,retry_after=100ms", 64, "limit"),
  ...ladderLike("the knee of a server with 32 slots and a queue", "slots=32,queue=10000,ttft=100,tpot=5,tokens=20", 128, "knee"),
];

/** The page's ladder and the command line's, one after the other, on the same server. */
function ladderLike(what, spec, max, finding) {
  return [
    {
      name: `the ladder finds what the command line finds: ${what}`,
      where: (scene) => scene === "chromium-h2",
      async work(scene) {
        const plan = ladder(max);
        const climb = async () => {
          const told = await run(await scene.open(), job(own(spec), plan, { max_tokens: 20 }));
          assert.equal(told.failed, null);
          return { told, reports: [told.report, await commandLine(scene, own(spec), max, plan)] };
        };
        const { told, reports } = await tried(climb, ({ reports }) => agree(reports.map(({ answer }) => answer[finding])));
        const both = reports.map(({ answer }) => answer[finding]);
        assert.ok(agree(both), JSON.stringify(both));
        assert.equal(told.rungs.length, told.report.rungs.length);
      },
    },
  ];
}

/** Whether two findings are at most one step of refinement apart: from a finding to the next concurrency
 * that was measured. */
function agree([one, other]) {
  if (!one || !other) return false;
  const step = Math.max(one.high - one.low, other.high - other.low, 1);
  return Math.abs(one.value - other.value) <= step;
}

async function commandLine(scene, spec, max, { load }) {
  const home = install();
  try {
    const { mode: _, max: __, ...options } = load;
    const short = Object.entries(options).map(([name, value]) => `${name}=${value}`);
    const args = ["knee", "--url", `${scene.server.http}/mock/${spec}/v1`, "--model", "m", "--max-tokens", "20", "--max", String(max), "--ladder", short.join(), "--json", "-"];
    const { status, out, err } = await kneepoint(home, args);
    assert.equal(status, 0, err);
    return JSON.parse(out);
  } finally {
    home.remove();
  }
}
