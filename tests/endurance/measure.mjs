// What long and large runs cost the command line's own process: whether its memory stays flat over a
// million requests, and whether a thousand streams at once are more than it can read. Prints a table, and
// writes it as JSON to the file that KNEEPOINT_BENCH_FILE names. Ends with 1 where a bound is missed.
//
//     measure.mjs [REQUESTS]      default: 1,000,000, which take some minutes

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

import { install } from "../cli/command.mjs";
import { startServer } from "../peers/sdk/server.mjs";

const REQUESTS = Number(process.argv[2] ?? 1_000_000);

/** Memory at the end beside that after a tenth of the requests. What grows with each request would be
 * several times as much; what the collector has not yet thrown away comes and goes. */
const GROWTH_MAX = 1.25;

const TRIES_MAX = 4;

/** Memory is looked at so often, in milliseconds. */
const EVERY_MS = 250;

const rows = [];
const server = await startServer();
const home = install();
try {
  rows.push(await longRun());
  let streams = await manyStreams();
  // Who else uses this machine makes timers late too: a limit of the client shows every time.
  for (let tries = 1; tries < TRIES_MAX && !streams.held; tries += 1) streams = await manyStreams();
  rows.push(streams);
} finally {
  await server.stop();
  home.remove();
}
for (const { name, figures, held } of rows) {
  console.log(`${name}: ${held ? "held" : "MISSED"}`);
  for (const [figure, value] of Object.entries(figures)) console.log(`  ${figure.padEnd(34)}${value}`);
}
const file = process.env.KNEEPOINT_BENCH_FILE;
if (file !== undefined) writeFileSync(file, `${JSON.stringify({ group: "endurance", rows }, null, 2)}\n`);
process.exitCode = rows.every(({ held }) => held) ? 0 : 1;

/** Many short requests, of which nothing but figures is kept. */
async function longRun() {
  const load = ["-n", String(REQUESTS), "-c", "64", "--no-stream", "--max-tokens", "4"];
  const { report, memory, seconds, cpu_s } = await run("instant", load);
  const [rung] = report.rungs;
  const at = (share) => median(memory.slice(Math.floor(memory.length * share)).slice(0, Math.ceil(memory.length / 20)));
  const [early, late] = [at(0.1), at(0.95)];
  return {
    name: `${REQUESTS} requests, 64 at once`,
    held: rung.ok === REQUESTS && late / early <= GROWTH_MAX,
    figures: {
      answered: rung.ok,
      "resident after a tenth, MB": early.toFixed(1),
      "resident at the end, MB": late.toFixed(1),
      "growth (at most 1.25)": (late / early).toFixed(3),
      "requests per second": (REQUESTS / seconds).toFixed(0),
      "processor time per request, µs": ((cpu_s / REQUESTS) * 1e6).toFixed(1),
    },
  };
}

/** A thousand streams at once, each with fifty tokens a second. */
async function manyStreams() {
  const load = ["-c", "1000", "--duration", "20s", "--warmup", "5s", "--max-tokens", "200"];
  const { report, cpu_s, seconds } = await run("ttft=200,tpot=20,tokens=200", load);
  const [rung] = report.rungs;
  return {
    name: "1000 streams of 50 tokens a second",
    held: !rung.client.bound && rung.requests === rung.ok,
    figures: {
      "streams read": rung.ok,
      "at once, on average": rung.concurrency_mean.toFixed(0),
      "tokens per second": rung.output_tokens_per_s?.value.toFixed(0),
      "TPOT p50, ms (the server's: 20)": rung.tpot?.quantiles.find(({ q }) => q === 0.5)?.value.toFixed(2),
      "timers late at p95, ms": rung.client.lag_p95_ms?.toFixed(1),
      "processor time, share of one": (cpu_s / seconds).toFixed(2),
      "client was the limit": rung.client.bound ? rung.client.reasons.join("; ") : "no",
    },
  };
}

/** Runs the command line, watching what it uses. */
async function run(spec, load) {
  const args = ["bench", "--url", `${server.http}/mock/${spec}/v1`, "--model", "m", "--prompt", "Hello!"];
  const began = performance.now();
  const child = spawn(process.execPath, [home.cli, ...args, ...load, "--quiet", "--json", "-"], {
    cwd: home.folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  const memory = [];
  let cpu_s = 0;
  const watch = setInterval(() => {
    const used = usage(child.pid);
    if (used === undefined) return;
    memory.push(used.resident_mb);
    cpu_s = used.cpu_s;
  }, EVERY_MS);
  const status = await new Promise((resolve) => child.once("close", resolve));
  clearInterval(watch);
  if (status !== 0) throw new Error(`the command line ended with ${status}`);
  return { report: JSON.parse(out), memory, cpu_s, seconds: (performance.now() - began) / 1000 };
}

/** What a process uses, as Linux tells it; nothing once it has gone. */
function usage(pid) {
  try {
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    // The name may hold blanks and brackets: fields are counted from behind it.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { resident_mb: Number(resident[1]) / 1024, cpu_s: ticks / 100 };
  } catch {
    return undefined;
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
