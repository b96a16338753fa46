// A project that has installed the packed package, in a folder of its own below `target`, so that
// nothing of the repository can be found from it by accident.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

// With / on Windows, too, which takes it: paths are put into programs and settings.
const root = fileURLToPath(new URL("../../", import.meta.url)).replaceAll(sep, "/");

/** The repository's root. */
export const repository = root;

/** What packages of npm's call their programs. On Windows those in `.bin` are for shells only. */
const PROGRAMS = {
  attw: "@arethetypeswrong/cli/dist/index.js",
  bun: "bun/bin/bun.exe",
  deno: "deno/bin.cjs",
  publint: "publint/src/cli.js",
  tsc: "typescript/bin/tsc",
  wrangler: "wrangler/bin/wrangler.js",
};

/** The words that call a program of npm's: itself, or Node with its script. */
export function program(name) {
  const file = `${root}tests/node_modules/${PROGRAMS[name]}`;
  return file.endsWith(".exe") ? [file] : [process.execPath, file];
}

/** The tarball that `cargo xtask npm` packs. */
export function tarball() {
  const packed = readdirSync(`${root}target/npm`).filter((name) => name.endsWith(".tgz"));
  if (packed.length !== 1) throw new Error(`target/npm holds ${packed.length} tarballs, expected one: run \`cargo xtask npm\``);
  return `${root}target/npm/${packed[0]}`;
}

/** Installs the tarball into `target/test/<name>`, unless that very one is installed there, and
 * empties the folder of all else. Answers the folder. */
export function consumer(name) {
  const folder = `${root}target/test/${name}`;
  mkdirSync(folder, { recursive: true });
  const hash = createHash("sha256").update(readFileSync(tarball())).digest("hex");
  const stamp = `${folder}/node_modules/.installed-from`;
  const isThere = existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
  const kept = isThere ? ["node_modules", "package.json", "package-lock.json"] : [];
  for (const old of readdirSync(folder)) if (!kept.includes(old)) rmSync(`${folder}/${old}`, { recursive: true });
  if (isThere) return folder;
  // The parent's package.json must not be taken for this folder's.
  writeFileSync(`${folder}/package.json`, JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--silent"];
  // By a relative path, so that no blank is in it: npm is a batch file on Windows, which takes a shell.
  const packed = relative(folder, tarball());
  execFileSync("npm", ["install", ...flags, packed], { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
  writeFileSync(stamp, hash);
  return folder;
}

/** Copies one of the projects beside this file into a folder. */
export function copyProject(name, folder) {
  cpSync(`${root}tests/packaging/projects/${name}`, folder, { recursive: true });
}
