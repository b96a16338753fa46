#!/usr/bin/env node
// The command line. Deno and Bun bring their own fetch, which is their fast one.

const isNode = !("Deno" in globalThis || "Bun" in globalThis);
const { main } = await import(isNode ? "./bench/node/cli.js" : "./bench/deno/cli.js");
await main(process.argv.slice(2));
