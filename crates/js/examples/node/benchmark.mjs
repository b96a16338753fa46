// What a dedicated deployment does under load: 1000 calls, 1000 at once, and the report on them.

import { Kneepoint } from "kneepoint";

const CALLS = 1000;
const AT_ONCE = 1000;
const llm = new Kneepoint({ concurrency: AT_ONCE, maxRetries: 5 });
const model = process.env.MODEL ?? "small";

const prompts = Array.from({ length: CALLS }, () => "Hello!");
const begun = performance.now();
const items = await llm.batch(prompts, { model, maxTokens: 100, concurrency: AT_ONCE }).settled();
const seconds = (performance.now() - begun) / 1000;

const answers = items.filter((item) => item.status === "fulfilled").map((item) => item.value);
// From the moment in which a call had its place to the end of its answer.
const times = answers.map(({ timing }) => timing.total - timing.queued).sort((a, b) => a - b);

/** The quantile as Python's `statistics.quantiles` has it, which may lie between two times. */
function percentile(percent) {
  const place = (percent * (times.length + 1)) / 100;
  const below = Math.min(Math.max(Math.floor(place), 1), times.length - 1);
  const share = place - below;
  return times[below - 1] * (1 - share) + times[below] * share;
}

const rows = {
  Min: times[0],
  Max: times.at(-1),
  Avg: times.reduce((sum, time) => sum + time, 0) / times.length,
  "P50 (median)": percentile(50),
  P95: percentile(95),
  P99: percentile(99),
};
const rule = "=".repeat(40);
console.log(rule);
console.log(`Total requests: ${answers.length}`);
console.log(`Total time (seconds): ${seconds.toFixed(2)}`);
console.log(`Throughput (requests/second): ${(answers.length / seconds).toFixed(2)}`);
console.log("Latency Statistics (ms):");
for (const [name, time] of Object.entries(rows)) console.log(`  ${name}: ${time.toFixed(2)}`);
console.log(rule);
if (answers.length < CALLS) console.error(`${CALLS - answers.length} calls failed`);
