// What a page loads for one streaming call, compressed: node size.mjs

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

import { build } from "esbuild";

const calls = {
  kneepoint: `import { Kneepoint } from "kneepoint";
    for await (const piece of new Kneepoint({ apiKey: "k" }).stream("Hello!", { model: "m" })) console.log(piece);`,
  openai: `import OpenAI from "openai";
    const stream = await new OpenAI({ apiKey: "k" }).chat.completions.create({ model: "m", stream: true, messages: [] });
    for await (const chunk of stream) console.log(chunk.choices[0].delta.content);`,
};

for (const [who, contents] of Object.entries(calls)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    minify: true,
    platform: "browser",
    target: "es2022",
    write: false,
  });
  const parts = { script: outputFiles[0].contents };
  if (who === "kneepoint") {
    parts.wasm = readFileSync(new URL(import.meta.resolve("kneepoint/kneepoint.wasm")));
  }
  const sizes = Object.entries(parts).map(([part, bytes]) => [part, brotliCompressSync(bytes).length]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`${who}: ${total} bytes (${sizes.map(([part, size]) => `${part} ${size}`).join(", ")})`);
}
