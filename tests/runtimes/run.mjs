// Runs the contract in each runtime against the simulated endpoint: over HTTP/1.1, and over TLS, by which
// all but Bun and Workers speak HTTP/2.
//
// usage: node run.mjs [RUNTIME|RUNTIME-tls…]     all but WebKit, which is tried where it is named

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { serve, withPage } from "../packaging/browser.mjs";
import { consumer, program } from "../packaging/consumer.mjs";
import { Report } from "../packaging/report.mjs";
import { KEEPER } from "../packaging/webkit.mjs";
import { startServer } from "../peers/sdk/server.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));

/** How long a runtime may take for all of it, and a process to end afterwards: bounds for a hang. */
const RUN_MS_MAX = 600_000;
const EXIT_MS_MAX = 10_000;

const ends = "nothing keeps the process alive afterwards";

const RUNTIMES = {
  node: (place, report) => inProcess(["node", "process.mjs"], place, report),
  deno: (place, report) =>
    inProcess([...program("deno"), "run", "--quiet", "--allow-read", "--allow-net", "--allow-env", "process.mjs"], place, report),
  bun: (place, report) => inProcess([...program("bun"), "process.mjs"], place, report),
  workerd: inWorker,
  chromium: (place, report) => inPage("chromium", place, report),
  firefox: (place, report) => inPage("firefox", place, report),
  webkit: (place, report) => inPage("webkit", place, report),
};

/** Not every machine can have it. */
const WHERE_NAMED = "webkit";

const TLS = "-tls";
const known = Object.keys(RUNTIMES).flatMap((name) =>
  // WebKitGTK hears nothing of an HTTP/2 stream that was reset.
  name === WHERE_NAMED ? [name] : [name, `${name}${TLS}`],
);
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`no runtime is called ${unknown}: ${known}`);

const folder = consumer("runtimes");
await bundle();
const endpoint = await startServer("--tls-listen", "127.0.0.1:0");
// Whom it is to trust is told to each runtime in a way of its own; these two read it from the environment.
process.env.NODE_EXTRA_CA_CERTS = process.env.DENO_CERT = await certificate(new URL(endpoint.https));
try {
  for (const [index, name] of known.entries()) {
    if (chosen.length > 0 ? !chosen.includes(name) : name === WHERE_NAMED) continue;
    const report = new Report(name);
    const runtime = name.replace(TLS, "");
    const place = {
      runtime,
      origin: name.endsWith(TLS) ? endpoint.https : endpoint.http,
      side: endpoint.http.replace("127.0.0.1", "localhost"),
      closed: `http://127.0.0.1:${await unusedPort()}`,
      seed: (index + 1) * 10_000,
    };
    try {
      await bounded(RUNTIMES[runtime](place, report), RUN_MS_MAX);
    } catch (error) {
      report.broken("the suite runs to its end", error?.stack ?? error);
    }
    report.close();
    if (!report.isGood) process.exitCode = 1;
  }
} finally {
  await endpoint.stop();
}

/** Writes down the certificate of the server at this place, which it made for this run, and answers where. */
async function certificate({ hostname: host, port }) {
  const socket = connect({ host, port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const lines = socket.getPeerCertificate().raw.toString("base64").match(/.{1,64}/g);
  socket.destroy();
  const file = `${folder}/certificate.pem`;
  writeFileSync(file, ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"));
  return file;
}

/** The files of a platform, by what programs import. */
function entries(dist) {
  const files = { "": "index", "/cache": "cache/index", "/openai": "openai/index", "/openai/streaming": "openai/streaming" };
  return Object.fromEntries(Object.entries(files).map(([path, file]) => [`kneepoint${path}`, `${dist}/${file}.js`]));
}

/** The suite for each kind of host, beside the installed package. */
async function bundle() {
  const common = { bundle: true, format: "esm", target: "es2022", logLevel: "warning" };
  for (const host of ["process", "page"]) {
    const entryPoints = [`${here}hosts/${host}.ts`];
    await build({ ...common, entryPoints, outfile: `${folder}/${host}.mjs`, external: ["kneepoint", "kneepoint/*", "node:*"] });
  }
  const dist = `${folder}/node_modules/kneepoint/dist`;
  await build({
    ...common,
    entryPoints: [`${here}hosts/worker.ts`],
    outfile: `${folder}/worker/worker.mjs`,
    alias: {
      ...entries(`${dist}/workerd`),
      // Nothing is measured there: see exceptions.ts.
      "kneepoint/bench": "unmeasured",
    },
    external: ["*.wasm", "cloudflare:*", "unmeasured"],
  });
  mkdirSync(`${folder}/web`, { recursive: true });
  copyFileSync(`${dist}/web/kneepoint.wasm`, `${folder}/web/kneepoint.wasm`);
}

function note(report, { name, verdict, why, ms }) {
  report[verdict](name, why ?? ms);
}

/** Runs a program that writes verdicts and then ends by itself. */
async function inProcess([command, ...args], place, report) {
  const child = spawn(command, [...args, JSON.stringify(place)], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const exit = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal));
  });
  const overall = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  let last;
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    if (!line.startsWith('{"name"')) return console.log(line);
    const verdict = JSON.parse(line);
    note(report, verdict);
    if (verdict.name.startsWith("nothing was left uncaught")) last = setTimeout(() => child.kill("SIGKILL"), EXIT_MS_MAX);
  });
  const code = await exit;
  clearTimeout(overall);
  clearTimeout(last);
  if (code === 0) report.kept(ends);
  else report.broken(ends, `ended with ${code}`);
}

async function inWorker(place, report) {
  // It looks for certificates when it is loaded.
  const { Miniflare } = await import("miniflare");
  const worker = new Miniflare({
    modulesRoot: folder,
    modules: [
      { type: "ESModule", path: `${folder}/worker/worker.mjs` },
      { type: "CompiledWasm", path: `${folder}/web/kneepoint.wasm` },
    ],
    // The oldest one that the package promises to run with.
    compatibilityDate: "2024-10-14",
    // Else what is handled a moment later is told as unhandled.
    compatibilityFlags: ["unhandled_rejection_after_microtask_checkpoint"],
    kvNamespaces: ["KV"],
  });
  try {
    const response = await worker.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(place) });
    for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) note(report, JSON.parse(line));
  } finally {
    await worker.dispose();
  }
}

async function inPage(browser, place, report) {
  const dist = "./node_modules/kneepoint/dist";
  const imports = {
    ...entries(`${dist}/web`),
    "kneepoint/bench": `${dist}/bench/web/index.js`,
  };
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
    <script type="importmap">${JSON.stringify({ imports })}</script>
    <script>globalThis.place = ${JSON.stringify(place)}</script>
    ${KEEPER}
    <script type="module" src="./page.mjs"></script>`;
  writeFileSync(`${folder}/index.html`, page);
  const files = await serve(folder);
  try {
    await withPage(browser, { spki: endpoint.spki }, async (tab) => {
      let end;
      const over = new Promise((resolve, reject) => {
        end = (error) => (error ? reject(new Error(error)) : resolve());
      });
      await tab.exposeFunction("tellVerdict", (verdict) => note(report, verdict));
      await tab.exposeFunction("tellEnd", (error) => end(error));
      tab.on("pageerror", (error) => console.log(`    page: ${error.message}`));
      await tab.goto(`${files.url}/`);
      await bounded(over, RUN_MS_MAX);
    });
  } finally {
    await files.stop();
  }
}

async function bounded(work, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A port where nobody listens: just given to us, and closed again. */
async function unusedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
