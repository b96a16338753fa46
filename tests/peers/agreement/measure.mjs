// Whether the figures of a report are those that other programs find on the same endpoint in the same
// minutes: oha for whole answers, a plain client in Python for streams. Prints a table, and writes it as
// JSON to the file that KNEEPOINT_BENCH_FILE names. Ends with 1 where figures disagree.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { install, kneepoint } from "../../cli/command.mjs";
import { startServer } from "../sdk/server.mjs";

const ROUNDS = Number(process.env.KNEEPOINT_ROUNDS ?? 5);

/** A run during which this machine was too busy is repeated, so many times. */
const TRIES_MAX = 5;

/** Figures agree within this share. */
const WITHIN = 0.03;

// The server sets the pace, so that the programs' own cost hardly shows. One seed: each program meets
// the same delays.
const WHOLE = { spec: "ttft=ln:80:0.2,tokens=16,seed=1", requests: 2000, concurrency: 20, tokens: 16 };
const STREAMED = { spec: "ttft=ln:80:0.2,tpot=10,tokens=40,seed=1", requests: 250, concurrency: 10, tokens: 40 };

const execute = promisify(execFile);
const home = install();

const figures = [
  { name: "requests per second", work: "whole", of: "rate", peer: "oha" },
  { name: "latency p50, ms", work: "whole", of: "p50", peer: "oha" },
  { name: "latency p99, ms", work: "whole", of: "p99", peer: "oha" },
  { name: "TTFT p50, ms", work: "streamed", of: "ttft", peer: "a plain client in Python" },
  { name: "TPOT p50, ms", work: "streamed", of: "tpot", peer: "a plain client in Python" },
];
const seen = { whole: { ours: [], theirs: [] }, streamed: { ours: [], theirs: [] } };
try {
  for (let round = 0; round < ROUNDS; round += 1) {
    console.log(`round ${round + 1} of ${ROUNDS}`);
    // A B, B A, …: what changes evenly meanwhile favours neither.
    const pairs = [
      ["whole", "ours", wholeByUs],
      ["whole", "theirs", wholeByOha],
      ["streamed", "ours", streamedByUs],
      ["streamed", "theirs", streamedByPython],
    ];
    for (const [work, side, measure] of round % 2 === 0 ? pairs : pairs.reverse()) {
      // A server of its own: each begins with the same draws.
      const server = await startServer();
      try {
        const { spec } = work === "whole" ? WHOLE : STREAMED;
        seen[work][side].push(await measure(`${server.http}/mock/${spec}/v1`));
      } finally {
        await server.stop();
      }
    }
  }
} finally {
  home.remove();
}
const rows = figures.map(({ name, work, of, peer }) => {
  const values = (side) => seen[work][side].map((found) => found[of]);
  const [ours, theirs] = [values("ours"), values("theirs")];
  const ratios = ours.map((value, round) => value / theirs[round]);
  const ratio = median(ratios);
  return { name, peer, ours, theirs, ratios, ratio, agrees: Math.abs(ratio - 1) <= WITHIN };
});
console.log(`\n${"".padEnd(22)}${"ours".padStart(10)}${"theirs".padStart(10)}   ours ÷ theirs (target 0.97 to 1.03)`);
for (const { name, peer, ours, theirs, ratios, ratio, agrees } of rows) {
  const range = `${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`;
  const values = [ours, theirs].map((side) => median(side).toFixed(2).padStart(10)).join("");
  console.log(`${name.padEnd(22)}${values}   ${ratio.toFixed(4)} (${range})  ${agrees ? "agrees" : "DISAGREES"} with ${peer}`);
}
const file = process.env.KNEEPOINT_BENCH_FILE;
if (file !== undefined) {
  writeFileSync(file, `${JSON.stringify({ group: "agreement", within: WITHIN, whole: WHOLE, streamed: STREAMED, rows }, null, 2)}\n`);
}
process.exitCode = rows.every(({ agrees }) => agrees) ? 0 : 1;

async function byUs({ requests, concurrency, tokens }, url, ...more) {
  const load = ["-n", String(requests), "-c", String(concurrency), "--max-tokens", String(tokens)];
  const target = ["--url", url, "--model", "m", "--prompt", "Hello!", "--quiet"];
  for (let tries = 1; ; tries += 1) {
    const { status, out, err } = await kneepoint(home, ["bench", ...target, ...load, ...more, "--json", "-"]);
    assert.equal(status, 0, err);
    const [rung] = JSON.parse(out).rungs;
    assert.equal(rung.ok, requests);
    if (!rung.client.bound) return rung;
    // The report itself says that its figures are the client's.
    console.log(`  measured again: ${rung.client.reasons.join("; ")}`);
    assert.ok(tries < TRIES_MAX, "this machine is too busy to measure on");
  }
}

function quantile(metric, q) {
  return metric.quantiles.find((one) => one.q === q).value;
}

async function wholeByUs(url) {
  const rung = await byUs(WHOLE, url, "--no-stream");
  return { rate: rung.requests_per_s.value, p50: quantile(rung.e2e, 0.5), p99: quantile(rung.e2e, 0.99) };
}

async function streamedByUs(url) {
  const rung = await byUs(STREAMED, url);
  return { ttft: quantile(rung.ttft, 0.5), tpot: quantile(rung.tpot, 0.5) };
}

async function wholeByOha(url) {
  const body = { model: "m", messages: [{ role: "user", content: "Hello!" }], max_tokens: WHOLE.tokens };
  const load = ["-n", String(WHOLE.requests), "-c", String(WHOLE.concurrency), "--worker-threads", "1"];
  const request = ["-m", "POST", "-H", "content-type: application/json", "-d", JSON.stringify(body)];
  const shown = ["--no-tui", "--output-format", "json"];
  const { stdout } = await execute("oha", [...shown, ...load, ...request, `${url}/chat/completions`]);
  const found = JSON.parse(stdout);
  assert.equal(found.statusCodeDistribution["200"], WHOLE.requests);
  const { p50, p99 } = found.latencyPercentiles;
  return { rate: found.summary.requestsPerSec, p50: p50 * 1000, p99: p99 * 1000 };
}

async function streamedByPython(url) {
  const program = fileURLToPath(new URL("plain_client.py", import.meta.url));
  const { requests, concurrency, tokens } = STREAMED;
  const { stdout } = await execute("python3", [program, url, ...[requests, concurrency, tokens].map(String)]);
  const { ttft_ms: ttft, tpot_ms: tpot } = JSON.parse(stdout);
  return { ttft, tpot };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
