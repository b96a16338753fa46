// A long run of real requests, one in ten of them a stream and one in twenty of them met by a fault:
// `node --expose-gc soak.mjs CALLS`. Every call must be settled once, as what it is, and nothing may
// be left behind.

import { getEventListeners } from "node:events";

import { startServer } from "../peers/sdk/server.mjs";
import { heapBytes, moduleBytes, openSockets, slope, watchInstances } from "./memory.mjs";

watchInstances();
const { Kneepoint, KneepointError } = await import("kneepoint");

const CALLS = Number(process.argv[2]);
const AT_ONCE = 250;
const LEGS = 20;

/** Bytes of heap that a thousand calls may cost for good. */
const HEAP_SLOPE_MAX = 1024;

/** What a fault may look like once the retries are used up. */
const KINDS = new Set(["status", "network", "truncated", "interrupted", "stream_error", "invalid_answer"]);

const FAULTS = [
  "fault=status_503:0.02",
  "fault=reset_before_headers:0.01",
  "fault=reset_mid@300:0.01",
  "fault=html_502:0.005",
  "fault=sse_error_mid@3:0.005",
];

const unhandled = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));

const server = await startServer();
const spec = `ttft=1,tpot=0,tokens=8,seed=7,${FAULTS.join(",")}`;
const llm = new Kneepoint({
  baseURL: `${server.http}/mock/${spec}/v1`,
  apiKey: "sk-soak",
  concurrency: AT_ONCE,
  adaptive: false,
  logLevel: "off",
});
const lasting = new AbortController();
const outcomes = { answered: 0, streamed: 0, left: 0, aborted: 0, failed: 0 };
const odd = [];

/** One call, of the kind that its number says. */
async function call(number) {
  const options = { model: "m", maxTokens: 8, signal: lasting.signal };
  if (number % 10 !== 0) {
    await llm.generate(`Question ${number}`, options);
    return "answered";
  }
  if (number % 100 === 50) {
    const leaving = new AbortController();
    setTimeout(() => leaving.abort(), number % 7);
    await llm.generate(`Question ${number}`, { ...options, signal: leaving.signal });
    return "answered";
  }
  for await (const _ of llm.stream(`Question ${number}`, options)) {
    if (number % 100 === 0) return "left";
  }
  return "streamed";
}

async function settle(number) {
  try {
    outcomes[await call(number)] += 1;
  } catch (error) {
    const isTyped = error instanceof KneepointError;
    if (isTyped && error.kind === "aborted") outcomes.aborted += 1;
    else outcomes.failed += 1;
    if (!isTyped || !(KINDS.has(error.kind) || error.kind === "aborted")) odd.push(error);
  }
}

let begun = 0;
async function runTo(count) {
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      await settle(begun);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const began = performance.now();
const points = [];
for (let leg = 1; leg <= LEGS; leg += 1) {
  await runTo(Math.round((CALLS * leg) / LEGS));
  points.push([begun / 1000, await heapBytes(), moduleBytes()]);
}
const seconds = (performance.now() - began) / 1000;
const stats = llm.stats();
const listeners = getEventListeners(lasting.signal, "abort").length;
llm.dispose();
await server.stop();
await heapBytes();

// The first tenth is warm-up: code is compiled, tables reach their size.
const steady = points.slice(LEGS / 10 - 1);
const grown = slope(steady);
const settled = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
const [model] = stats.models;
const memory = new Set(steady.map(([, , bytes]) => bytes));

console.log(`${CALLS} calls in ${seconds.toFixed(0)} s: ${JSON.stringify(outcomes)}`);
console.log(`heap ${grown.toFixed(0)} bytes per 1000 calls, module ${[...memory].join(" → ")} bytes`);

const promises = [
  ["every call is settled once", settled, CALLS],
  ["and so says the client", stats.succeeded + stats.failed + stats.aborted, stats.calls],
  ["failures are what was injected", odd.map(String), []],
  ["some calls failed, so faults were met", outcomes.failed > 0, true],
  ["no rejection went unheard", unhandled.map(String), []],
  ["nothing is in flight or queued", [model.inFlight, model.queued], [0, 0]],
  [`the heap grows by ${HEAP_SLOPE_MAX} bytes per 1000 calls at most`, grown <= HEAP_SLOPE_MAX, true],
  ["the module's memory is constant after the first tenth", memory.size, 1],
  ["a lasting signal holds no listeners", listeners, 0],
  ["no socket is left", openSockets(), 0],
];
const broken = promises.filter(([, found, expected]) => JSON.stringify(found) !== JSON.stringify(expected));
for (const [promise, found, expected] of broken) {
  console.error(`not ok - ${promise}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
console.log(`${promises.length - broken.length} of ${promises.length} promises hold`);
process.exitCode = broken.length === 0 ? 0 : 1;
