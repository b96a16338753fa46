#!/usr/bin/env node
// The command line. Deno and Bun bring their own fetch, which is their fast one.

const isNode = !("Deno" in globalThis || "Bun" in globalThis);
if (isNode) {
  const { setFlagsFromString } = await import("node:v8");
  // Code that runs for a fraction of a second is not worth being compiled a second time, on processors
  // that a server on the same machine wants too. V8 begins later with that where it knows the flag.
  if (Number.parseInt(process.versions.v8) < 15) setFlagsFromString("--wasm-tiering-budget=30000000");
}
const { main } = await import(isNode ? "./bench/node/cli.js" : "./bench/deno/cli.js");
await main(process.argv.slice(2));
