// What the endpoint adds to a Worker's cold start, and how large it is.

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";

import { Miniflare } from "miniflare";

import { workerOptions } from "../../edge/hosts.mjs";
import { program, repository } from "../../packaging/consumer.mjs";
import { model, settingsFor } from "./round.mjs";

const ROUNDS = 15;

/** What Cloudflare's free plan takes, compressed, in KiB. */
const SIZE_MAX = 3 * 1024;

/** A Worker that does nothing but what must be done. */
const TRIVIAL = `export default {
  async fetch(request, env) {
    const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hello!" }] });
    const headers = { "content-type": "application/json", authorization: "Bearer " + env.OPENAI_API_KEY };
    const response = await fetch(env.OPENAI_BASE_URL + "/chat/completions", { method: "POST", headers, body });
    return Response.json({ response: (await response.json()).choices[0].message.content });
  },
};`;

/** From the start of workerd to the first answer of the model, with us and with a trivial Worker. */
export async function starting({ folder, simulated }) {
  const upstream = model(simulated, "ttft=0,tokens=2,seed=300");
  const { compatibilityDate, compatibilityFlags } = workerOptions(folder, {});
  const sides = {
    ours: () => workerOptions(folder, settingsFor(upstream)),
    trivial: () => ({ modules: true, script: TRIVIAL, compatibilityDate, compatibilityFlags, bindings: settingsFor(upstream) }),
  };
  const rounds = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const round = {};
    const names = Object.keys(sides);
    for (const name of n % 2 === 0 ? names : names.toReversed()) round[name] = await firstAnswer(sides[name]());
    rounds.push(round);
  }
  const [ours, trivial] = Object.keys(sides).map((name) => rounds.map((round) => round[name]));
  const row = (what, starts) => ({ what, unit: " ms", figure: quiet(starts), rounds: starts });
  const figure = quiet(ours) - quiet(trivial);
  return [
    row("workerd: start to first answer, a trivial Worker", trivial),
    row("workerd: the same with the endpoint", ours),
    { what: "workerd: what the endpoint adds", unit: " ms", figure, target: "≤ 50 ms", met: figure <= 50 },
  ];
}

/** The lower quartile: whatever else the machine does only ever makes a start longer. */
function quiet(starts) {
  return starts.toSorted((a, b) => a - b)[Math.floor(starts.length / 4)];
}

async function firstAnswer(options) {
  const began = performance.now();
  // What the endpoint logs is not what is measured.
  const worker = new Miniflare({ ...options, handleRuntimeStdio: (...pipes) => pipes.forEach((pipe) => pipe.resume()) });
  const url = await worker.ready;
  const response = await fetch(new URL("/generate?prompt=Hello!", url), { method: "POST" });
  if (!(await response.json()).response) throw new Error("no answer");
  const millis = performance.now() - began;
  await worker.dispose();
  return millis;
}

/** The bundle as wrangler would upload it. */
export function size({ folder }) {
  copyFileSync(`${repository}crates/js/examples/worker/wrangler.jsonc`, `${folder}/wrangler.jsonc`);
  const args = ["deploy", "--dry-run", "--outdir", `${folder}/wrangler`];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" };
  const [command, ...words] = program("wrangler");
  const said = execFileSync(command, [...words, ...args], { cwd: folder, encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] });
  const figure = Number(said.match(/gzip: ([\d.]+) KiB/)[1]);
  return [{ what: "the Worker as wrangler uploads it, gzip", unit: " KiB", figure, target: "≤ 3072 KiB", met: figure <= SIZE_MAX }];
}
