// The package inside bundles for servers, which are taken to where nothing of it lies beside them.

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { build as esbuild } from "esbuild";
import webpack from "webpack";

import { program } from "./consumer.mjs";

const execute = promisify(execFile);

/** What an ES module begins with that has CommonJS inside, as esbuild's users write it. */
const BANNER = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/** Makes CommonJS of a program and all that it imports. */
export function bundleForNode(entry, outfile, more = { format: "cjs" }) {
  return esbuild({ entryPoints: [entry], outfile, bundle: true, platform: "node", logLevel: "warning", ...more });
}

const [bun] = program("bun");

/** What is made of the program in `folder`, and what runs it. */
const BUNDLES = [
  ["esbuild's in CommonJS", "main.cjs", "node", (entry, file) => bundleForNode(entry, file)],
  ["esbuild's of ES modules", "main.mjs", "node", (entry, file) => bundleForNode(entry, file, { format: "esm", banner: { js: BANNER } })],
  ["webpack's", "main.cjs", "node", withWebpack],
  ["Bun's", "program.js", bun, (entry, file) => execute(bun, ["build", entry, "--target=bun", "--outdir", join(file, "..")])],
];

async function withWebpack(entry, file) {
  const output = { path: join(file, ".."), filename: "main.cjs" };
  const stats = await promisify(webpack)({ mode: "production", target: "node", context: join(entry, ".."), entry, output });
  if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
}

/** Tries them all with this program, which says that it spoke. */
export async function serverBundles(report, folder, entry) {
  // Frameworks make of it an address on their site, a path of the machine that built, or nothing.
  await report.attempt("what runs on servers never asks where it lies", () => {
    const dist = `${folder}/node_modules/kneepoint/dist`;
    const files = ["node", "deno"].flatMap((name) => readdirSync(`${dist}/${name}`, { recursive: true }).map((file) => `${name}/${file}`));
    const scripts = files.filter((file) => file.endsWith(".js"));
    const asking = scripts.filter((file) => /import\.meta|__(dir|file)name/.test(readFileSync(`${dist}/${file}`, "utf8")));
    if (scripts.length < 10 || asking.length > 0) throw new Error(`${scripts.length} scripts, of which ask: ${asking}`);
  });
  for (const [name, file, runtime, make] of BUNDLES) {
    await report.attempt(`a bundle for servers speaks far from all packages: ${name}`, async () => {
      const away = mkdtempSync(join(tmpdir(), "kneepoint-bundle-"));
      try {
        await make(entry, join(away, file));
        const { stdout } = await execute(runtime, [join(away, file)], { cwd: away });
        if (stdout.trim() !== "spoke") throw new Error(stdout);
      } finally {
        rmSync(away, { recursive: true });
      }
    });
  }
}
