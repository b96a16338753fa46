// A project that has installed the packed package, in a folder of its own below `target`, so that
// nothing of the repository can be found from it by accident.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The repository's root. */
export const repository = root;

/** A program of npm's, by its name. */
export const program = (name) => `${root}tests/node_modules/.bin/${name}`;

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
  execFileSync("npm", ["install", ...flags, tarball()], { cwd: folder, stdio: "inherit" });
  writeFileSync(stamp, hash);
  return folder;
}

/** Copies one of the projects beside this file into a folder. */
export function copyProject(name, folder) {
  cpSync(`${root}tests/packaging/projects/${name}`, folder, { recursive: true });
}
