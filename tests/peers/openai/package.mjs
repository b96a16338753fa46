// The built package, as an import finds it.

import { existsSync, symlinkSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = process.env.KNEEPOINT_PACKAGE ?? at("../../../target/npm/kneepoint");

if (!existsSync(`${built}/package.json`)) throw new Error(`${built} is missing: run \`cargo xtask npm\``);

// It depends on undici, which npm would put beside it. Windows lets everybody make junctions.
const beside = `${built}/node_modules`;
if (!existsSync(beside)) symlinkSync(at("../../node_modules"), beside, "junction");

/** Where the drop-in lies, for programs in processes of their own. */
export const entry = `${built}/dist/node/openai/index.js`;

const load = (name) => import(pathToFileURL(`${built}/dist/node/openai/${name}.js`));

export const ours = await load("index");
export const { _iterSSEMessages: ourEvents, Stream: OurStream } = await load("streaming");
