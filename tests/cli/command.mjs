// The command line as its users have it: from the packed tarball, in a folder of its own.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const built = path("../../target/npm/kneepoint-0.1.0.tgz");

/** Unpacks the package; answers `{ folder, entry, cli, remove }`. */
export function install() {
  const tarball = process.env.KNEEPOINT_TARBALL ?? built;
  if (!existsSync(tarball)) throw new Error(`${tarball} is missing: run \`cargo xtask npm\``);
  const folder = mkdtempSync(join(tmpdir(), "kneepoint-cli-"));
  const modules = join(folder, "node_modules");
  const home = join(modules, "kneepoint");
  mkdirSync(home, { recursive: true });
  // No path is named to tar, which may take the one before a colon for a machine.
  execFileSync("tar", ["-xzf", "-", "--strip-components=1"], { cwd: home, input: readFileSync(tarball) });
  // Windows lets everybody make junctions.
  symlinkSync(path("../node_modules/undici"), join(modules, "undici"), "junction");
  return {
    folder,
    entry: join(home, "dist/bench/node/index.js"),
    cli: join(home, "dist/cli.js"),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Runs a command line to its end: `{ status, out, err }`. `during` is handed the process. */
export function kneepoint({ cli, folder }, args, { env = {}, during } = {}) {
  const clean = { ...process.env };
  for (const name of ["OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy"]) delete clean[name];
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env: { ...clean, ...env } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  during?.(child);
  return new Promise((resolve) => {
    child.once("close", (status, signal) => resolve({ status: status ?? signal, out, err }));
  });
}
