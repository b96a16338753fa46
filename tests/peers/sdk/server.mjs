// Starts a kneepoint-server for a test file, on ports of its own, and stops it at the end.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const built = fileURLToPath(new URL(`../../../target/debug/kneepoint-server${process.platform === "win32" ? ".exe" : ""}`, import.meta.url));

/** Resolves to `{ http, https, spki, stop }` once the server is ready; the two in the middle with `--tls-listen`. */
export async function startServer(...more) {
  const binary = process.env.KNEEPOINT_SERVER ?? built;
  if (!existsSync(binary)) {
    throw new Error(`${binary} is missing: run \`cargo build -p kneepoint-server\``);
  }
  const child = spawn(binary, ["--listen", "127.0.0.1:0", "--quiet", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let http, https, spki;
  for await (const line of createInterface({ input: child.stdout })) {
    http ??= line.match(/^listening (http:\S+)/)?.[1];
    const encrypted = line.match(/^listening (https:\S+) spki-sha256=(\S+)/);
    if (encrypted) [, https, spki] = encrypted;
    if (line === "ready") break;
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return {
    http,
    https,
    spki,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
