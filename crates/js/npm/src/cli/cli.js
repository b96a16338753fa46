#!/usr/bin/env node
// The command line. Deno and Bun bring their own fetch, which is their fast one.

import { parseArgs } from "node:util";

/** A run of so many requests is over before it pays that V8 compiles wasm a second time, ours and that
 * of Node's HTTP parser, on processors that a server on the same machine wants too. */
const SHORT_MAX = 20_000;

const args = process.argv.slice(2);
const isNode = !("Deno" in globalThis || "Bun" in globalThis);
// V8 looks at these flags when it meets the modules, which is with the import below.
if (isNode && Number.parseInt(process.versions.v8) < 15) {
  const { setFlagsFromString } = await import("node:v8");
  const { requests } = parseArgs({ args, options: { requests: { type: "string", short: "n" } }, strict: false }).values;
  const isShort = args[0] === "bench" && Number(requests) <= SHORT_MAX;
  setFlagsFromString(isShort ? "--liftoff-only" : "--wasm-tiering-budget=30000000");
}
const { main } = await import(isNode ? "./bench/node/cli.js" : "./bench/deno/cli.js");
await main(args);
