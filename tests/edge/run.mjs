// Tries the endpoint of crates/js/examples/worker in each runtime that it is made for.
//
// usage: node run.mjs [RUNTIME…]

import { Report } from "../packaging/report.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { answers } from "./answers.mjs";
import { HOSTS } from "./hosts.mjs";
import { install } from "./install.mjs";
import { kv } from "./kv.mjs";
import { leaving } from "./leaving.mjs";
import { addresses, refusals } from "./refusals.mjs";
import { KEY, World } from "./world.mjs";

const PROMISES = { ...answers, ...leaving, ...refusals };

/** What only some runtimes have. */
const MORE = { node: addresses, deno: addresses, bun: addresses, workerd: kv };

/** How long one promise may take: longer than all that it waits for. */
const PROMISE_MS_MAX = 40_000;

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in HOSTS));
if (unknown.length > 0) throw new Error(`no runtime is called ${unknown}: ${Object.keys(HOSTS)}`);

const folder = await install();
const simulated = await startServer();
for (const runtime of chosen.length > 0 ? chosen : Object.keys(HOSTS)) {
  const report = new Report(`the endpoint in ${runtime}`);
  const world = new World(runtime, folder, simulated.http);
  for (const [name, promise] of Object.entries({ ...PROMISES, ...MORE[runtime] })) {
    await report.attempt(name, () => bounded(promise(world)));
  }
  await report.attempt("nothing of all that told the key", () => {
    if (world.logs().includes(KEY)) throw new Error("a log holds the key");
  });
  await world.leave();
  report.close();
  if (!report.isGood) process.exitCode = 1;
}
await simulated.stop();
process.exit();

async function bounded(work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${PROMISE_MS_MAX} ms`)), PROMISE_MS_MAX);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
