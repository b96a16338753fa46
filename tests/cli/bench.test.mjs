// `kneepoint bench` and what becomes of its results, against the simulated endpoint.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inflateSync } from "node:zlib";

import { startServer } from "../peers/sdk/server.mjs";
import { install, kneepoint } from "./command.mjs";
import { problems } from "./schema.mjs";

const schema = JSON.parse(readFileSync(new URL("../../crates/bench/schema/v1.json", import.meta.url)));

let server;
let home;
before(async () => {
  home = install();
  server = await startServer();
});
after(async () => {
  await server?.stop();
  home?.remove();
});

const FAST = "ttft=20,tpot=1,tokens=8";
const at = (spec) => ["--url", `${server.http}/mock/${spec}/v1`, "--model", "m"];
const run = (args, more) => kneepoint(home, args, more);
const read = (file) => readFileSync(join(home.folder, file), "utf8");
const small = (spec = FAST) => ["bench", ...at(spec), "-n", "40", "-c", "8", "--max-tokens", "8", "--prompt", "Hello!"];

test("the reference program's block is printed, and the status is 0", async () => {
  const args = ["bench", "-n", "200", "-c", "200", "--prompt", "Hello!", "--max-tokens", "100", "--max-retries", "5"];
  const { status, out, err } = await run([...args, ...at(`${FAST},seed=7`)]);
  assert.equal(status, 0, err);
  const rule = "=".repeat(50);
  const ms = String.raw`\d+\.\d\d`;
  const block = [
    `^${rule}`,
    "Total requests: 200",
    `Total time \\(seconds\\): ${ms}`,
    `Throughput \\(requests/second\\): ${ms}`,
    "",
    "Latency Statistics \\(ms\\):",
    ...["Min", "Max", "Avg", "P50 \\(median\\)", "P95", "P99"].map((name) => `  ${name}: ${ms}`),
    rule,
  ];
  assert.match(out, new RegExp(block.join("\n")));
  assert.match(out, /one text of 6 characters; the server's prompt cache may hold whole prompts/);
  const truth = await (await fetch(`${server.http}/mock/${FAST},seed=7/stats`)).json();
  assert.equal(truth.completed, 200);
  assert.ok(truth.in_flight_max <= 200);
});

test("what the system is told goes along with every prompt", async () => {
  const { status, out, err } = await run([...small(), "--system", "Be brief. ".repeat(100), "--json", "-"]);
  assert.equal(status, 0, err);
  const [rung] = JSON.parse(out).rungs;
  assert.ok(rung.input_tokens > 40 * 200, `${rung.input_tokens}`);
});

test("JSON on standard output is alone there, and follows the schema", async () => {
  const { status, out, err } = await run([...small(), "--json", "-"]);
  assert.equal(status, 0, err);
  const report = JSON.parse(out);
  assert.deepEqual(problems(schema, report), []);
  const [rung] = report.rungs;
  assert.deepEqual([rung.requests, rung.ok, rung.output_tokens], [40, 40, 320]);
  assert.deepEqual([report.protocol.http, report.protocol.opened], ["http/1.1", 8]);
  assert.equal(report.protocol.reused, 32);
  assert.match(report.env.runtime, /^node \d+/);
  assert.ok(problems(schema, { ...report, schema: 2 }).length > 0, "the check can fail");
});

test("each file holds what it should", async () => {
  const forms = ["json", "jsonl", "csv", "hgrm", "hdr", "html", "vllm"];
  const files = forms.flatMap((form) => [`--${form}`, `all.${form}`]);
  const { status, out, err } = await run([...small(), ...files]);
  assert.equal(status, 0, err);
  assert.match(out, /^=+\nTotal requests: 40\n/);
  const samples = read("all.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(samples.length, 40);
  assert.ok(samples.every((sample) => sample.class === "ok" && sample.out_tok === 8));
  assert.ok(samples.every((sample) => sample.finish_reason !== null && sample.protocol === "http/1.1"));
  assert.equal(samples.filter(({ reused }) => reused).length, 32, "eight connections served forty");
  const [header, ...rows] = read("all.csv").trim().split("\n");
  assert.equal(rows.length, 40);
  assert.ok(rows.every((row) => row.split(",").length === header.split(",").length));
  assert.match(read("all.hgrm"), /Total count *= *40/i);
  const hdr = Buffer.from(read("all.hdr"), "base64");
  assert.equal(hdr.readUInt32BE(0), 0x1c849314);
  assert.equal(inflateSync(hdr.subarray(8)).readUInt32BE(0), 0x1c849313);
  const vllm = JSON.parse(read("all.vllm"));
  assert.deepEqual([vllm.completed, vllm.max_concurrency], [40, 8]);
});

test("an answer that is not streamed is counted like one that is", async () => {
  const spec = "ttft=20,tokens=8,seed=4";
  const { status, err } = await run([...small(spec), "--no-stream", "--json", "whole.json", "--jsonl", "whole.jsonl"]);
  assert.equal(status, 0, err);
  const [rung] = JSON.parse(read("whole.json")).rungs;
  assert.deepEqual([rung.ok, rung.output_tokens, rung.token_source], [40, 320, "usage"]);
  const samples = read("whole.jsonl").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(samples.every(({ finish_reason, in_tok }) => finish_reason !== null && in_tok > 0), JSON.stringify(samples[0]));
});

test("a slow server has as many requests in flight as were asked for, a fast one as few connections as do", async () => {
  const counts = async (spec) => {
    const args = [...at(spec), "-n", "300", "-c", "300", "--prompt", "Hello!", "--max-tokens", "8", "--no-stream"];
    const { status, err } = await run(["bench", ...args]);
    assert.equal(status, 0, err);
    return (await fetch(`${server.http}/mock/${spec}/stats`)).json();
  };
  const slow = await counts("ttft=2000,tokens=8");
  assert.deepEqual([slow.in_flight_max, slow.connections, slow.completed], [300, 300, 300]);
  const fast = await counts("tokens=8");
  assert.equal(fast.completed, 300);
  assert.ok(fast.connections < 300, `${fast.connections} connections`);
});

test("a result is shown again, written in other formats, and judged", async () => {
  assert.equal((await run([...small(), "--json", "again.json"])).status, 0);
  const shown = await run(["report", "again.json"]);
  assert.match(shown.out, /^=+\nTotal requests: 40\n/);
  const csv = await run(["report", "again.json", "--csv"]);
  assert.equal(csv.out.trim().split("\n").length, 2, csv.out);
  const json = await run(["report", "again.json", "--json", "-"]);
  assert.deepEqual(JSON.parse(json.out), JSON.parse(read("again.json")));
  assert.equal((await run(["report", "again.json", "--fail-if", "p50<1s"])).status, 99);
});

test("a threshold that is missed makes the status 99, and one that holds does not", async () => {
  const held = await run([...small(), "--fail-if", "p95>20s", "--fail-if", "error_rate>1%"]);
  assert.equal(held.status, 0, held.err);
  const missed = await run([...small(), "--fail-if", "p95>20s, ttft.p50>1ms"]);
  assert.equal(missed.status, 99);
  assert.match(missed.err, /missed: ttft\.p50>1ms \(it is \d+(?:\.\d+)?ms\)/);
  const failing = await run([...small("fault=status_500:1"), "--max-retries", "0", "--fail-if", "error_rate>1%"]);
  assert.match(failing.err, /missed: error_rate>1% \(it is 100%\)/);
  assert.doesNotMatch(missed.err, /missed: e2e/);
});

test("two machines' results add up", async () => {
  const args = (name) => [...small("ttft=150,tpot=5,tokens=20"), "--json", name];
  const both = await Promise.all([run(args("one.json")), run(args("two.json"))]);
  for (const { status, err } of both) assert.equal(status, 0, err);
  // A machine with much to do may have started one after the other.
  const [one, two] = ["one.json", "two.json"].map((name) => JSON.parse(read(name)));
  two.env.started_unix_ms = one.env.started_unix_ms;
  writeFileSync(join(home.folder, "two.json"), JSON.stringify(two));
  const merged = await run(["merge", "one.json", "two.json", "--json", "both.json"]);
  assert.equal(merged.status, 0, merged.err);
  const [rung] = JSON.parse(read("both.json")).rungs;
  assert.deepEqual([rung.requests, rung.concurrency, rung.e2e.n], [80, 16, 80]);
  const twice = await run(["merge", "one.json", "two.json", "one.json", "--json", "twice.json"]);
  assert.equal(twice.status, 1);
  assert.match(twice.err, /^kneepoint: report 3 is the same run as report 1, [^\n]+\n$/);
});

test("a warm-up is counted as requests are", async () => {
  const { status, out, err } = await run([...small(), "--warmup", "0.01k", "--json", "-"]);
  assert.equal(status, 0, err);
  assert.equal(JSON.parse(out).config.warmup_requests, 10);
});

test("results side by side come with what they cannot tell", async () => {
  assert.equal((await run([...small(), "--json", "side.json"])).status, 0);
  const { status, out } = await run(["compare", "side.json", "side.json"]);
  assert.equal(status, 0);
  assert.match(out, /warning: one run of each/);
  assert.match(out, /no difference can be concluded/);
});

test("two equal endpoints take turns, and the sentence agrees with the figures", async () => {
  const { http } = server;
  const turns = ["--a", `${http}/mock/${FAST},seed=1/v1`, "--b", `${http}/mock/${FAST},seed=2/v1`];
  const args = ["compare", ...turns, "--model", "m", "-n", "30", "-c", "10", "--json", "turns.json"];
  const { status, out, err } = await run(args);
  assert.equal(status, 0, err);
  const { pairs, differences } = JSON.parse(read("turns.json"));
  assert.equal(pairs, 5);
  const differ = differences.filter((one) => one.differs).map((one) => one.figure);
  // Chance makes a figure of equal servers differ now and then; the same figures must be named.
  if (differ.length > 0) assert.ok(out.includes(`B differs from A in ${differ.join(", ")}`), out);
  else assert.match(out, /From 5 pairs no difference can be concluded/);
  for (const seed of [1, 2]) {
    const truth = await (await fetch(`${http}/mock/${FAST},seed=${seed}/stats`)).json();
    assert.equal(truth.completed, 150);
  }
});

/** On Windows one process cannot be sent Ctrl-C by another, and links are for administrators. */
const ON_UNIX = { skip: process.platform === "win32" };

/** Sends a Ctrl-C once the endpoint of this spec has answered some. */
const interrupted = (spec) => (child) => {
  const poll = setInterval(async () => {
    const truth = await (await fetch(`${server.http}/mock/${spec}/stats`)).json();
    if (truth.completed < 20) return;
    clearInterval(poll);
    child.kill("SIGINT");
  }, 20);
};

test("a file that cannot be written after all costs no more than itself", ON_UNIX, async () => {
  symlinkSync(join("no", "such", "folder"), join(home.folder, "dangling.csv"));
  const { status, out, err } = await run([...small(), "--csv", "dangling.csv", "--json", "kept.json"]);
  assert.match(err, /^kneepoint: dangling\.csv cannot be written: there is no such file or folder[^\n]*\n$/);
  assert.equal(status, 1);
  assert.match(out, /^=+\nTotal requests: 40\n/);
  assert.equal(JSON.parse(read("kept.json")).rungs[0].ok, 40);
});

test("a run goes on when nobody reads its progress any more", ON_UNIX, async () => {
  const spec = `${FAST},seed=11`;
  const during = (child) => {
    child.stderr.destroy();
    interrupted(spec)(child);
  };
  const args = ["bench", ...at(spec), "--duration", "10m", "-c", "4", "--json", "unheard.json"];
  const { status, out } = await run(args, { during });
  assert.equal(status, 130);
  assert.match(out, /^=+\nTotal requests: \d+\n/);
  assert.ok(JSON.parse(read("unheard.json")).rungs[0].ok >= 20);
});

test("Ctrl-C ends a run, and what was measured is written", ON_UNIX, async () => {
  const args = ["bench", ...at(`${FAST},seed=9`), "--duration", "10m", "-c", "4", "--json", "cut.json"];
  const { status, out, err } = await run(args, { during: interrupted(`${FAST},seed=9`) });
  assert.equal(status, 130, err);
  assert.match(err, /ending: waiting for what is in flight/);
  const report = JSON.parse(read("cut.json"));
  assert.deepEqual(problems(schema, report), []);
  assert.ok(report.rungs[0].ok >= 20);
  assert.ok(report.method.stopped_early);
  assert.match(out, /^=+\nTotal requests: \d+\n/);
});

test("Ctrl-C before anything was measured says so", ON_UNIX, async () => {
  const spec = `${FAST},seed=12`;
  const warming = ["bench", ...at(spec), "--duration", "10m", "-c", "4", "--warmup", "10m"];
  const { status, out } = await run(warming, { during: interrupted(spec) });
  assert.equal(status, 130);
  assert.match(out, /^Nothing was measured\.\n/);
});

test("Ctrl-C ends a comparison with the same status, though it is too short to tell anything", ON_UNIX, async () => {
  const [a, b] = [13, 14].map((seed) => `${FAST},seed=${seed}`);
  const turns = ["--a", `${server.http}/mock/${a}/v1`, "--b", `${server.http}/mock/${b}/v1`];
  const args = ["compare", ...turns, "--model", "m", "--duration", "10m", "-c", "4"];
  const { status, out, err } = await run(args, { during: interrupted(a) });
  assert.deepEqual([status, out], [130, ""]);
  assert.match(err, /kneepoint: 0 pairs were run before it was ended/);
});

test("a key is sent, and never seen again", async () => {
  const key = "sk-canary-0d1e2f3a4b5c";
  const files = ["json", "jsonl", "csv", "html", "vllm"].flatMap((form) => [`--${form}`, `key.${form}`]);
  writeFileSync(join(home.folder, "key.secret"), `${key}\n`);
  const fromFile = [...small("fault=status_401:1"), ...files, "--api-key-file", "key.secret"];
  const fromEnv = [...small(), ...files];
  const runs = [];
  for (const args of [fromFile, fromEnv]) {
    const result = await run(args, { env: { OPENAI_API_KEY: key } });
    runs.push(result);
    assert.ok(!`${result.out}${result.err}`.includes(key));
    for (const name of readdirSync(home.folder).filter((name) => /^key\.(?!secret)/.test(name))) {
      assert.ok(!read(name).includes(key), name);
    }
  }
  assert.deepEqual(runs.map(({ status }) => status), [1, 0]);
  const cut = await run(fromEnv, { env: { OPENAI_API_KEY: "sk-of two\nlines" } });
  assert.equal(cut.status, 1);
  assert.match(cut.err, /^kneepoint: the key: found a line end/, "no option of a program's is named");
});
