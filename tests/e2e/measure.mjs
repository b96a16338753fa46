// Measures the page: its engine beside plain fetch, its figures beside what the simulated endpoint was told
// to take, its size and start, its drawing under load.
//
// KNEEPOINT_BENCH_FILE names the file for the figures; `cargo xtask bench page` sets it.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

import { launch } from "../packaging/browser.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { closed, job, run } from "./engine.mjs";
import { Kneepoint } from "./page.mjs";

const ROUNDS = 15;
const REQUESTS = 3000;
const AT_ONCE = 100;

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const server = await startServer("--tls-listen", "127.0.0.1:0", "--page", dist);
const browser = await launch("chromium", { spki: server.spki });
const results = [];

/** Sets a figure beside its target. */
function judge(id, what, value, unit, target, rounds) {
  const [sign, bound] = target;
  const met = sign === "≥" ? value >= bound : value <= bound;
  results.push({ id, what, value, unit, target: `${sign} ${bound}`, met, rounds });
}

try {
  await throughput();
  await figures();
  size();
  await start();
  await drawing();
} finally {
  await browser.close();
  await server.stop();
}

for (const { id, what, value, unit, target, met } of results) {
  console.log(`${id.padEnd(4)}${what.padEnd(66)}${String(Number(value.toPrecision(4))).padStart(8)} ${unit.padEnd(7)}${target.padEnd(8)}${met ? "met" : "MISSED"}`);
}
writeFileSync(process.env.KNEEPOINT_BENCH_FILE, JSON.stringify({ group: "page", results }, null, 2));
if (results.some(({ met }) => !met)) process.exitCode = 1;

/** The engine and plain fetch in the same page, in turns. */
async function throughput() {
  const tab = await browser.newPage();
  await tab.goto(server.https);
  const [ratios, ours, plain] = [[], [], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const fetched = await tab.evaluate(fetchAll, { requests: REQUESTS, atOnce: AT_ONCE });
    const { report } = await run(tab, job("instant", closed(REQUESTS, AT_ONCE), { stream: false, max_tokens: 16 }));
    const measured = REQUESTS / report.rungs[0].duration_s;
    // The first round warms both up.
    if (round === 0) continue;
    ours.push(measured);
    plain.push(fetched);
    ratios.push(measured / fetched);
  }
  console.log(`     engine ${Math.round(median(ours))} requests/s, plain fetch ${Math.round(median(plain))}`);
  judge("P6", "requests/s of the engine by those of plain fetch, HTTP/2, 100 at once", median(ratios), "×", ["≥", 0.95], ratios);
  await tab.close();
}

/** Runs in the page: answers requests per second. */
async function fetchAll({ requests, atOnce }) {
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hello!" }], max_tokens: 16 });
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  let left = requests;
  const work = async () => {
    while (left-- > 0) await (await fetch("/mock/instant/v1/chat/completions", init)).json();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, work));
  return requests / ((performance.now() - began) / 1000);
}

/** What the page says of answers whose times are known: within 5 ms or 3 %. */
async function figures() {
  const [ttft, tpot, tokens] = [200, 20, 50];
  const truth = { ttft, tpot, e2e: ttft + (tokens - 1) * tpot };
  const tab = await browser.newPage();
  await tab.goto(server.https);
  const spec = `ttft=${ttft},tpot=${tpot},tokens=${tokens}`;
  const { report } = await run(tab, job(spec, closed(200, 20), { max_tokens: tokens }));
  for (const [name, expected] of Object.entries(truth)) {
    const found = report.rungs[0][name].quantiles.find(({ q }) => q === 0.5).value;
    judge("FIG", `median of ${name}, from the endpoint's ${expected} ms`, Math.abs(found - expected), "ms", ["≤", Math.max(5, 0.03 * expected)], [found]);
  }
  await tab.close();
}

/** All files of the page, each packed as well as brotli can. */
function size() {
  const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 } };
  const sizes = readdirSync(dist).map((file) => brotliCompressSync(readFileSync(dist + file), best).length);
  judge("P8", "all files of the page, brotli", sizes.reduce((sum, size) => sum + size, 0) / 1000, "kB", ["≤", 250], sizes);
}

/** From the address to something to see, and to something to press, with nothing cached. */
async function start() {
  const [paints, ready] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(server.http);
    await tab.waitForSelector('[data-testid="run"]');
    const times = await tab.evaluate(async () => {
      const [paint] = performance.getEntriesByName("first-contentful-paint");
      // The module has run once the button is there; what it still had to do is done in the next frame.
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return { paint: paint?.startTime, ready: performance.now() };
    });
    paints.push(times.paint ?? times.ready);
    ready.push(times.ready);
    await context.close();
  }
  judge("P8", "first paint on loopback", median(paints) / 1000, "s", ["≤", 1], paints);
  judge("P8", "interactive on loopback, at the latest", median(ready) / 1000, "s", ["≤", 1], ready);
}

/** 200 streams of 50 tokens a second, and the page as people have it open. */
async function drawing() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const tab = await context.newPage();
  await tab.goto(server.https);
  const page = await new Kneepoint(tab).ready();
  await page.direct(`${server.https}/mock/ttft=200,tpot=20,tokens=250/v1`, 800, 200, { "max-tokens": "250" });
  await page.press("run");
  await page.shows("live");
  await tab.evaluate(() => {
    globalThis.long = [];
    globalThis.frames = [];
    new PerformanceObserver((list) => globalThis.long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    const frame = (now) => (globalThis.frames.push(now), requestAnimationFrame(frame));
    requestAnimationFrame(frame);
  });
  await page.shows("result");
  // Long tasks are told when they are over.
  await tab.waitForTimeout(1_000);
  const { long, frames } = await tab.evaluate(() => ({ long: globalThis.long, frames: globalThis.frames }));
  const seconds = Math.floor((frames.at(-1) - frames[0]) / 1000);
  const rates = Array.from({ length: seconds }, (_, second) => frames.filter((at) => Math.floor((at - frames[0]) / 1000) === second).length);
  judge("UI", "longest task while 200 streams bring 50 tokens/s each, result and all", Math.max(0, ...long), "ms", ["≤", 50], long);
  judge("UI", "frames in the worst second of it", Math.min(...rates), "1/s", ["≥", 30], rates);
  await context.close();
}
