// The example in a folder of its own, on the packed package, as its users have it.

import { copyFileSync, cpSync, mkdirSync } from "node:fs";

import { build } from "esbuild";

import { consumer, repository } from "../packaging/consumer.mjs";

const FILES = ["worker.js", "input.js", "upstream.js", "answer.js", "node.js"];

/** Resolves to the folder. */
export async function install() {
  const folder = consumer("edge");
  for (const file of FILES) cpSync(`${repository}crates/js/examples/worker/${file}`, `${folder}/${file}`);
  const dist = `${folder}/node_modules/kneepoint/dist`;
  // What wrangler does with it, for workerd without wrangler.
  await build({
    entryPoints: [`${folder}/worker.js`],
    outfile: `${folder}/workerd/worker.mjs`,
    bundle: true,
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    alias: { "kneepoint/cache": `${dist}/workerd/cache/index.js`, kneepoint: `${dist}/workerd/index.js` },
    external: ["*.wasm", "cloudflare:*"],
  });
  mkdirSync(`${folder}/web`, { recursive: true });
  copyFileSync(`${dist}/web/kneepoint.wasm`, `${folder}/web/kneepoint.wasm`);
  return folder;
}
