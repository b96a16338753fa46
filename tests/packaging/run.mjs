// The packed package, as projects take it: checkers, compilers, bundlers.

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createProxy } from "node:http";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join, sep } from "node:path";
import { promisify } from "node:util";

import { build as esbuild } from "esbuild";
import { build as vite, createServer } from "vite";
import webpack from "webpack";

import { startServer } from "../peers/sdk/server.mjs";
import { serve, withPage } from "./browser.mjs";
import { consumer, program, repository, tarball } from "./consumer.mjs";
import { Report } from "./report.mjs";
import { bundleForNode, serverBundles } from "./servers.mjs";

const report = new Report("packaging");
const folder = consumer("packaging");
const endpoint = await startServer();
const baseURL = `${endpoint.http}/mock/tokens=9/v1`;

/** Runs a program, and fails with all that it said. */
async function run([command, ...args]) {
  try {
    return (await promisify(execFile)(command, args, { cwd: folder })).stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}: ${error.stdout}${error.stderr}`);
  }
}

/** A streaming call, as a program of a user's makes it. */
const call = `
  import { Kneepoint } from "kneepoint";
  async function speak() {
    const llm = new Kneepoint({ baseURL: ${JSON.stringify(baseURL)}, apiKey: "k", dangerouslyAllowBrowser: true });
    let text = "";
    for await (const piece of llm.stream("Hello!", { model: "m" })) text += piece;
    llm.dispose();
    return text;
  }
`;
mkdirSync(`${folder}/src`, { recursive: true });
writeFileSync(`${folder}/src/main.js`, `${call}\n globalThis.outcome = await speak();`);
writeFileSync(`${folder}/src/program.mjs`, `${call}\n speak().then((text) => console.log(text === "" ? "silence" : "spoke"));`);
writeFileSync(
  `${folder}/src/typed.ts`,
  `import OpenKnee, { APIError, type AttemptEvent, Kneepoint, type Stats } from "kneepoint";
   import OpenAI, { type ClientOptions } from "kneepoint/openai";
   import { APIError as CoreError } from "kneepoint/openai/core/error";
   import { Stream } from "kneepoint/openai/core/streaming";
   import { APIPromise } from "kneepoint/openai/core/api-promise";
   import { CursorPage } from "kneepoint/openai/core/pagination.mjs";
   import { Page } from "kneepoint/openai/pagination";
   import { RateLimitError } from "kneepoint/openai/error.mjs";
   import { toFile } from "kneepoint/openai/uploads";
   import { ChatCompletionStream } from "kneepoint/openai/lib/ChatCompletionStream";
   import type { ChatCompletionMessageParam } from "kneepoint/openai/resources/chat/completions";
   const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "Hello!" }];
   const settings: ClientOptions = { apiKey: "k" };
   export const dropIn = [APIPromise, CoreError, CursorPage, Page, RateLimitError, Stream, toFile, ChatCompletionStream, new OpenAI(settings).chat.completions.stream({ model: "m", messages })];
   import { type CacheStore, kvCache, memoryCache, type MemoryCache, webCache } from "kneepoint/cache";
   declare const env: { KV: { get(key: string): Promise<string | null>; put(key: string, value: string, options?: { expirationTtl?: number; metadata?: unknown }): Promise<void> } };
   const memory: MemoryCache = memoryCache({ maxBytes: 1e6 });
   const stores: CacheStore[] = [memory, webCache("answers"), kvCache(env.KV, { prefix: "a:" })];
   export const clients = stores.map((store) => new Kneepoint({ cache: { store, ttl: 60_000, waitUntil: (work) => void work } }));
   // @ts-expect-error A name that no option has.
   memoryCache({ size: 3 });
   import { bench } from "kneepoint/bench";
   export const run = () => bench({ model: "m", requests: 1, defaultHeaders: { "x-team": "blue" }, defaultQuery: { v: "1" } });
   // @ts-expect-error What is measured comes from the server.
   bench({ model: "m", requests: 1, cache: true });
   const events: AttemptEvent[] = [];
   const llm: OpenKnee = new Kneepoint({ concurrency: "auto", onAttempt: (event) => void events.push(event) });
   export const stats: Stats = llm.stats();
   export async function askMany(): Promise<(string | undefined)[]> {
     const said: (string | undefined)[] = [];
     for await (const { status, value, reason } of llm.batch(["a", "b"], { model: "m" })) {
       said.push(status === "fulfilled" ? value.text : reason.message);
     }
     return said;
   }
   export async function ask(): Promise<string | undefined> {
     try {
       for await (const piece of llm.stream("Hello!", { model: "m" })) return piece satisfies string;
     } catch (error) {
       if (error instanceof APIError) return error.requestID ?? undefined;
     }
     // @ts-expect-error A name that no option has.
     new Kneepoint({ concurency: 3 });
     return (await llm.generate("Hello!", { model: "m", maxTokens: 3 })).text;
   }`,
);
/** Loads a page, and expects what its script streamed. */
function speaksAt(url) {
  return withPage("chromium", {}, async (page) => {
    await page.goto(url);
    await page.waitForFunction(() => globalThis.outcome, undefined, { timeout: 20_000 });
  });
}

/** The same for a folder's page. */
async function speaks(dist, head) {
  writeFileSync(`${dist}/index.html`, `<!doctype html><link rel="icon" href="data:,">${head}`);
  const files = await serve(dist);
  try {
    await speaksAt(`${files.url}/`);
  } finally {
    await files.stop();
  }
}

const script = `<script type="module" src="./main.js"></script>`;

// Programs that only keep things need no engine: nothing of the module may come along.
await report.attempt("the caches load alone", async () => {
  writeFileSync(`${folder}/src/alone.js`, `export { memoryCache } from "kneepoint/cache";`);
  for (const platform of ["workerd", "browser", "node", "deno"]) {
    const { metafile } = await esbuild({ entryPoints: [`${folder}/src/alone.js`], bundle: true, format: "esm", conditions: [platform], platform: "neutral", write: false, metafile: true, minify: true });
    const [{ bytes }] = Object.values(metafile.outputs);
    if (bytes > 6000) throw new Error(`${platform}: ${bytes} bytes: ${Object.keys(metafile.inputs)}`);
  }
});
await report.attempt("no file knows the machine that built it", () => {
  const home = `${homedir()}${sep}`;
  const files = readdirSync(`${folder}/node_modules/kneepoint`, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const told = files.filter(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1").includes(home));
  if (files.length < 50 || told.length > 0) throw new Error(`${home} is named in ${told.map(({ name }) => name)}`);
});
await report.attempt("publint finds nothing", () => run([...program("publint"), "run", "--strict", "node_modules/kneepoint"]));
await report.attempt("attw finds nothing", () => run([...program("attw"), "--profile", "esm-only", tarball()]));
for (const [module, resolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
  await report.attempt(`types are right under ${resolution}, libraries checked too`, () =>
    run([
      ...program("tsc"),
      "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom,dom.iterable",
      "--module", module, "--moduleResolution", resolution, "--types", "", "src/typed.ts",
    ]));
}
await report.attempt("types are right where Node's are all there are, libraries checked too", () =>
  run([
    ...program("tsc"),
    "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2023",
    "--module", "nodenext", "--types", "node", "--typeRoots", `${repository}tests/node_modules/@types`, "src/typed.ts",
  ]));
await report.attempt("the programs of its README are right in types", () => {
  const text = readFileSync(`${folder}/node_modules/kneepoint/README.md`, "utf8");
  const blocks = [...text.matchAll(/^```[jt]s\n([^]*?)^```/gm)].map(([, block]) => block);
  // What needs a package of another's is left out, and one program goes on from the one before it.
  const own = blocks.filter((block) => !block.includes('from "redis"'));
  if (own.length < 3 || own.length === blocks.length) throw new Error(`${own.length} of ${blocks.length} programs found`);
  const begun = own.map((block) => (block.startsWith("import") ? block : `declare const llm: import("kneepoint").Kneepoint;\n${block}`));
  const files = begun.map((block, at) => [`src/readme${at}.ts`, `declare const prompts: string[];\n${block}\nexport {};`]);
  for (const [name, source] of files) writeFileSync(`${folder}/${name}`, source);
  return run([
    ...program("tsc"),
    "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2023", "--module", "nodenext",
    "--types", "node", "--typeRoots", `${repository}tests/node_modules/@types`, ...files.map(([name]) => name),
  ]);
});
await report.attempt("it names no older Node than what it depends on runs on", () => {
  const oldest = (name) => {
    const { engines, dependencies } = JSON.parse(readFileSync(`${folder}/node_modules/${name}/package.json`, "utf8"));
    const [, ...numbers] = /^>=(\d+)\.(\d+)(?:\.(\d+))?$/.exec(engines.node) ?? [];
    if (numbers.length === 0) throw new Error(`${name}: ${engines.node}`);
    return { order: numbers.map((number = "0") => number.padStart(3, "0")).join("."), dependencies: dependencies ?? {} };
  };
  const { order, dependencies } = oldest("kneepoint");
  const newer = Object.keys(dependencies).filter((name) => oldest(name).order > order);
  if (newer.length > 0) throw new Error(`${newer} asks for a newer one`);
});
const programs = {
  node: ["node"],
  deno: [...program("deno"), "run", "--quiet", "--allow-read", "--allow-net", "--allow-env"],
  bun: program("bun"),
};
for (const [name, command] of Object.entries(programs)) {
  await report.attempt(`${name} runs it as installed`, async () => {
    const said = await run([...command, "src/program.mjs"]);
    if (said.trim() !== "spoke") throw new Error(said);
  });
}
await serverBundles(report, folder, `${folder}/src/program.mjs`);
await report.attempt("node sends through the proxy that its environment names, and ends, from a bundle too", async () => {
  await bundleForNode(`${folder}/src/program.mjs`, `${folder}/bundle.cjs`);
  const asked = [];
  const proxy = createProxy((_, response) => response.writeHead(405).end());
  proxy.on("connect", (request, socket) => {
    asked.push(request.url);
    const [host, port] = request.url.split(":");
    const onward = connect(port, host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    onward.pipe(socket).pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${proxy.address().port}`;
  const { HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy, ...env } = process.env;
  const speak = async (program, more) => {
    const { stdout } = await promisify(execFile)("node", [program], { cwd: folder, env: { ...env, ...more } });
    if (stdout.trim() !== "spoke") throw new Error(stdout);
    return asked.splice(0).length;
  };
  try {
    for (const program of ["src/program.mjs", "bundle.cjs"]) {
      const counts = [await speak(program, { HTTP_PROXY: `http://${address}` }), await speak(program, { http_proxy: address }), await speak(program, { http_proxy: address, NO_PROXY: "127.0.0.1" })];
      if (counts.join() !== "1,1,0") throw new Error(`${program}: the proxy was asked ${counts} times`);
    }
  } finally {
    proxy.close();
  }
});
await report.attempt("a client that Node prints, with all that is hidden, shows no key", async () => {
  writeFileSync(
    `${folder}/src/printed.mjs`,
    `import { inspect } from "node:util";
     import { Kneepoint } from "kneepoint";
     const llm = new Kneepoint({ baseURL: ${JSON.stringify(baseURL)}, apiKey: "sk-canary-5c1d" });
     const stream = llm.stream("Hello!", { model: "m" });
     await stream.result();
     const shown = [llm, llm.chat, llm.chat.completions, stream].map((one) => inspect(one, { showHidden: true, getters: true, depth: 20 }));
     console.log(shown.join("\\n"));`,
  );
  const said = await run(["node", "src/printed.mjs"]);
  if (!said.includes("TextStream") || said.includes("canary")) throw new Error(said);
});
await report.attempt("esbuild's bundle speaks, with the module beside it, where the page's policy lets it, and else says what that lacks", async () => {
  writeFileSync(`${folder}/src/refused.js`, `${call}\n speak().catch((error) => { if (error.message.includes("'wasm-unsafe-eval'")) globalThis.outcome = "refused"; });`);
  const policy = (words) => `<meta http-equiv="content-security-policy" content="script-src 'self' ${words}">`;
  await esbuild({ entryPoints: [`${folder}/src/main.js`, `${folder}/src/refused.js`], bundle: true, format: "esm", target: "es2022", outdir: `${folder}/esbuild/app`, logLevel: "warning" });
  copyFileSync(`${folder}/node_modules/kneepoint/dist/web/kneepoint.wasm`, `${folder}/esbuild/app/kneepoint.wasm`);
  await speaks(`${folder}/esbuild`, `${policy("'wasm-unsafe-eval'")}<script type="module" src="./app/main.js"></script>`);
  await speaks(`${folder}/esbuild`, `${policy("")}<script type="module" src="./app/refused.js"></script>`);
});
await report.attempt("webpack's bundle speaks, without configuration", async () => {
  const path = `${folder}/webpack`;
  const stats = await promisify(webpack)({ mode: "production", context: folder, entry: "./src/main.js", output: { path } });
  if (stats.hasErrors()) throw new Error(stats.toString());
  await speaks(path, script);
});
await report.attempt("Vite's bundle speaks, without configuration", async () => {
  writeFileSync(`${folder}/index.html`, `<script type="module" src="./src/main.js"></script>`);
  await vite({ root: folder, base: "./", configFile: false, logLevel: "warn", build: { outDir: `${folder}/vite`, target: "es2022" } });
  const { readFileSync } = await import("node:fs");
  await speaks(`${folder}/vite`, readFileSync(`${folder}/vite/index.html`, "utf8"));
});
await report.attempt("Vite's development server serves it, without configuration", async () => {
  writeFileSync(`${folder}/index.html`, `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/src/main.js"></script>`);
  // What it made of an earlier package of the same version may not be taken for this one's.
  const cacheDir = `${folder}/vite-cache`;
  const server = await createServer({ root: folder, cacheDir, configFile: false, logLevel: "warn", server: { host: "127.0.0.1", port: 0 } });
  try {
    await server.listen();
    await speaksAt(server.resolvedUrls.local[0]);
  } finally {
    await server.close();
  }
});
await report.attempt("it speaks where a tool keeps its JavaScript and nothing else, as Vite before 8 does for development", async () => {
  const kept = `${folder}/node_modules/.vite/deps`;
  const dist = `${folder}/node_modules/kneepoint/dist`;
  const entryPoints = { kneepoint: `${dist}/web/index.js`, kneepoint_bench: `${dist}/bench/web/index.js` };
  await esbuild({ entryPoints, bundle: true, format: "esm", splitting: true, outdir: kept, logLevel: "warning" });
  writeFileSync(`${folder}/src/kept.js`, `${call}\n import { ready } from "kneepoint/bench";\n await ready();\n globalThis.outcome = await speak();`);
  const imports = JSON.stringify({ imports: { kneepoint: "./node_modules/.vite/deps/kneepoint.js", "kneepoint/bench": "./node_modules/.vite/deps/kneepoint_bench.js" } });
  try {
    await speaks(folder, `<script type="importmap">${imports}</script><script type="module" src="./src/kept.js"></script>`);
  } finally {
    rmSync(`${folder}/node_modules/.vite`, { recursive: true });
  }
});
await report.attempt("without a bundler it speaks by an import map", async () => {
  const imports = JSON.stringify({ imports: { kneepoint: "./node_modules/kneepoint/dist/web/index.js" } });
  await speaks(folder, `<script type="importmap">${imports}</script><script type="module" src="./src/main.js"></script>`);
});
await report.attempt("wrangler bundles a Worker", async () => {
  writeFileSync(`${folder}/src/worker.js`, `import { Kneepoint } from "kneepoint";\n export default { fetch: () => Response.json(new Kneepoint({ apiKey: "k" }).stats()) };`);
  writeFileSync(`${folder}/wrangler.json`, JSON.stringify({ name: "consumer", main: "src/worker.js", compatibility_date: "2026-04-01" }));
  await run([...program("wrangler"), "deploy", "--dry-run", "--outdir", `${folder}/wrangler`]);
});

await endpoint.stop();
report.close();
if (!report.isGood) process.exitCode = 1;
