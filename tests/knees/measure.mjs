// Climbs on six servers whose answer is known, with three seeds each, by the packed command line over
// real sockets: prints what was found beside what was expected, and writes it as JSON to the file that
// KNEEPOINT_BENCH_FILE names. Ends with 1 where an answer is wrong.
//
//     measure.mjs [NAME …]      only the servers whose names hold one of these words

import { writeFileSync } from "node:fs";

import { install } from "../cli/command.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { climb } from "./climb.mjs";
import { SERVERS, wrong } from "./servers.mjs";

const SEEDS = [1, 2, 3];

const asked = process.argv.slice(2);
const chosen = SERVERS.filter(({ name }) => asked.length === 0 || asked.some((word) => name.includes(word)));
const server = await startServer();
const home = install();
const rows = [];
try {
  // Who asks once in 200 ms and waits for minutes disturbs nobody.
  const isIdle = ({ ladder }) => ladder !== undefined;
  const idle = chosen.filter(isIdle).flatMap((one) => SEEDS.map((seed) => climbed(one, seed)));
  for (const one of chosen.filter((other) => !isIdle(other))) {
    for (const seed of SEEDS) rows.push(await climbed(one, seed));
  }
  rows.push(...(await Promise.all(idle)));
} finally {
  await server.stop();
  home.remove();
}
const bad = rows.filter(({ reasons }) => reasons.length > 0);
console.log(`\n${rows.length - bad.length} of ${rows.length} answers are right`);
const file = process.env.KNEEPOINT_BENCH_FILE;
if (file !== undefined) writeFileSync(file, `${JSON.stringify({ group: "knees", rows }, null, 2)}\n`);
process.exitCode = bad.length > 0 ? 1 : 0;

/** One ladder, as a row of the table. */
async function climbed(one, seed) {
  const began = performance.now();
  const { err, report, truth } = await climb(home, server.http, one, seed);
  const seconds = (performance.now() - began) / 1000;
  const answer = report?.answer;
  const reasons = answer === undefined ? [err.trim()] : wrong(one, answer, truth);
  show(one, seed, seconds, answer, truth, reasons);
  return { server: one.name, spec: one.spec, seed, seconds, expected: one.expected, answer, truth, reasons };
}

function show({ name, expected }, seed, seconds, answer, truth, reasons) {
  console.log(`${name}, seed ${seed}: ${reasons.length === 0 ? "right" : `WRONG: ${reasons.join("; ")}`}`);
  for (const [finding, value] of Object.entries(expected)) {
    const found = answer?.[finding];
    if (found == null) continue;
    const ratio = (found.value / value).toFixed(2);
    console.log(`  ${finding.padEnd(5)} expected ${value}, found ${found.value} (${found.low} to ${found.high}), ratio ${ratio}`);
  }
  if (answer === undefined) return;
  const stability = answer.stability?.reason ?? "not measured again";
  console.log(`  stopped by ${answer.stop.value} after ${seconds.toFixed(0)} s; ${stability}`);
  console.log(`  the server: ${truth.accepted} taken on, ${truth.rejected} refused, at most ${truth.in_flight_max} at once`);
}
