// The endpoint in each runtime, started as its README says, but for the ports.

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

import { Miniflare } from "miniflare";

import { program } from "../packaging/consumer.mjs";

/** How long a runtime may take to start: a bound for a hang. */
const START_MS_MAX = 20_000;

/** Each starts the endpoint with these settings. They resolve to `{ origin, log, stop }`. */
export const HOSTS = {
  node: (folder, settings) => inProcess(folder, settings, () => [process.execPath, "node.js"]),
  deno: (folder, settings) =>
    inProcess(folder, settings, (port) => [
      ...program("deno"),
      ...["serve", "--quiet", "--allow-net", "--allow-read", "--allow-env"],
      ...["--host", "127.0.0.1", "--port", port, "worker.js"],
    ]),
  bun: (folder, settings) => inProcess(folder, settings, (port) => [...program("bun"), "--port", port, "worker.js"]),
  workerd: inWorker,
};

/** Starts a program that listens on the port for which `commandOf` makes its command line. */
export async function inProcess(folder, settings, commandOf) {
  const port = `${await unusedPort()}`;
  const [command, ...args] = commandOf(port);
  // Nothing of the surroundings may pass for a setting.
  const { PATH, HOME, DENO_DIR } = process.env;
  const env = { PATH, HOME, ...(DENO_DIR && { DENO_DIR }), PORT: port, ...settings };
  // npm's programs start others, which are to end with them: a group of their own, or a tree on Windows.
  const isGrouped = process.platform !== "win32";
  const child = spawn(command, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: isGrouped });
  const end = () => (isGrouped ? process.kill(-child.pid, "SIGKILL") : spawnSync("taskkill", ["/pid", `${child.pid}`, "/t", "/f"]));
  let log = "";
  for (const pipe of [child.stdout, child.stderr]) pipe.on("data", (chunk) => (log += chunk));
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const origin = `http://127.0.0.1:${port}`;
  const began = Date.now();
  while (!(await answers(origin))) {
    if (child.exitCode !== null || Date.now() - began > START_MS_MAX) {
      if (child.exitCode === null) end();
      throw new Error(`${command} ${args.join(" ")} does not answer: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    origin,
    log: () => log,
    async stop() {
      if (child.exitCode === null) end();
      await exit;
    },
  };
}

async function inWorker(folder, settings) {
  let log = "";
  const worker = new Miniflare({
    ...workerOptions(folder, settings),
    handleRuntimeStdio(...pipes) {
      for (const pipe of pipes) pipe.on("data", (chunk) => (log += chunk));
    },
  });
  const { origin } = await worker.ready;
  return { origin, log: () => log, stop: () => worker.dispose() };
}

/** What `wrangler.jsonc` says, as miniflare wants it. A namespace may come among the settings. */
export function workerOptions(folder, { ANSWERS, ...bindings }) {
  return {
    modulesRoot: folder,
    modules: [
      { type: "ESModule", path: `${folder}/workerd/worker.mjs` },
      { type: "CompiledWasm", path: `${folder}/web/kneepoint.wasm` },
    ],
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["enable_request_signal"],
    bindings,
    ...(ANSWERS && { kvNamespaces: { ANSWERS: "answers" }, kvPersist: ANSWERS }),
  };
}

async function answers(origin) {
  try {
    await fetch(`${origin}/health`);
    return true;
  } catch {
    return false;
  }
}

/** A port where nobody listens: just given to us, and closed again. */
export async function unusedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
