// One program, typed as people type theirs, compiles against `openai` and against the drop-in. Another has values
// of both.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const modules = at("../../node_modules");
const ours = `${process.env.KNEEPOINT_PACKAGE ?? at("../../../target/npm/kneepoint")}/dist/openai`;

/** Compiles the program with the types of this folder behind its imports, and those of `pages` there behind
 * the one of pages. Answers what the compiler says. */
function compiled(folder, ending, pages, program = "typed.ts") {
  const scratch = mkdtempSync(join(tmpdir(), "kneepoint-types-"));
  const paths = { sdk: [`${folder}/index${ending}`] };
  for (const name of ["streaming", "resources"]) paths[`sdk/${name}`] = [`${folder}/${name}${ending}`];
  paths["sdk/core/pagination"] = [`${folder}/${pages}${ending}`];
  const compilerOptions = {
    strict: true, noEmit: true, module: "nodenext", target: "es2022", skipLibCheck: true,
    types: ["node"], typeRoots: [`${modules}/@types`], paths,
  };
  const settings = join(scratch, "tsconfig.json");
  writeFileSync(settings, JSON.stringify({ compilerOptions, files: [at(program)] }));
  try {
    execFileSync(process.execPath, [`${modules}/typescript/bin/tsc`, "-p", settings], { encoding: "utf8" });
    return "";
  } catch (error) {
    return error.stdout || String(error);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

test("openai's own types take the program", () =>
  assert.equal(compiled(`${modules}/openai`, ".d.mts", "core/pagination"), ""));

test("so do the drop-in's", () => assert.equal(compiled(ours, ".d.ts", "resources"), ""));

test("values go from one to the other, where their types are alike", () =>
  assert.equal(compiled(ours, ".d.ts", "resources", "mixed.ts"), ""));
