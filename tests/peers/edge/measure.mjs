// Measures the endpoint of crates/js/examples/worker: beside its counterpart in Python, with its cache,
// and as a Worker that starts. Prints a table and writes it as JSON to the file that
// KNEEPOINT_BENCH_FILE names. KNEEPOINT_SERVER and PYTHON say where those are.

import { writeFileSync } from "node:fs";

import { install } from "../../edge/install.mjs";
import { startServer } from "../sdk/server.mjs";
import { leaving } from "./leaving.mjs";
import { repeated } from "./repeated.mjs";
import { beside } from "./beside.mjs";
import { size, starting } from "./starting.mjs";

const file = process.env.KNEEPOINT_BENCH_FILE;
const folder = await install();
const server = await startServer();
const rows = [];
try {
  for (const measure of [beside, repeated, leaving, starting, size]) {
    for (const row of await measure({ folder, simulated: server.http })) {
      rows.push(row);
      print(row);
    }
  }
} finally {
  await server.stop();
}
writeFileSync(file, `${JSON.stringify({ group: "edge", rows }, null, 2)}\n`);
const missed = rows.filter(({ met }) => met === false);
for (const { what } of missed) console.error(`missed: ${what}`);
process.exit(missed.length > 0 ? 1 : 0);

/** A row: what was measured, the figure, in how many rounds it lay where, and its target. */
function print({ what, figure, unit = "", rounds, target, met }) {
  const spread = rounds === undefined ? "" : ` (${short(Math.min(...rounds))} to ${short(Math.max(...rounds))})`;
  const verdict = target === undefined ? "" : `${target.padEnd(12)}${met ? "met" : "MISSED"}`;
  console.log(`  ${what.padEnd(58)}${`${short(figure)}${unit}`.padStart(12)}${spread.padEnd(22)}${verdict}`.trimEnd());
}

function short(value) {
  if (typeof value !== "number") return String(value);
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
