/** The command line: `kneepoint COMMAND …`. */

import { readFileSync } from "node:fs";

import { ready } from "../engine.ts";
import { KneepointError } from "../errors.ts";
import { COMMANDS, complain, STATUS } from "./commands.ts";
import { type CommandName, Given, STDOUT } from "./flags.ts";
import { overview, page } from "./help.ts";
import { put } from "./outputs.ts";
import { FileError, nearest, UsageError } from "./words.ts";

/** Carries a command line out and ends the process with its status. */
export async function main(argv: readonly string[]): Promise<void> {
  // Whoever reads us may go away early, as `head` does.
  process.stdout.on("error", () => process.exit(STATUS.failed));
  // Progress that nobody reads any more is no reason to end a run.
  process.stderr.on("error", () => {});
  process.exit(await status(argv));
}

async function status([word, ...rest]: readonly string[]): Promise<number> {
  try {
    if (word === "--version" || word === "-V" || word === "-v") {
      await put(STDOUT, `kneepoint ${version()}\n`);
      return STATUS.ok;
    }
    if (word === undefined || word === "--help" || word === "-h" || word === "help") {
      const command = word === "help" ? rest[0] : undefined;
      await put(STDOUT, command === undefined ? overview() : page(commandNamed(command)));
      return word === undefined ? STATUS.failed : STATUS.ok;
    }
    const command = commandNamed(word);
    if (rest.includes("--help") || rest.includes("-h")) {
      await put(STDOUT, page(command));
      return STATUS.ok;
    }
    await ready();
    return await COMMANDS[command](new Given(command, rest));
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof KneepointError)) throw error;
    const isCommand = word !== undefined && Object.hasOwn(COMMANDS, word);
    const isOfFlags = error instanceof UsageError && !(error instanceof FileError);
    const hint = isOfFlags && isCommand ? ` (see kneepoint ${word} --help)` : "";
    // The option is called so in programs; here there is a variable or a file.
    complain(`${error.message.replace(/^apiKey:/, "the key:")}${hint}`);
    return STATUS.failed;
  }
}

function commandNamed(word: string): CommandName {
  if (Object.hasOwn(COMMANDS, word)) return word as CommandName;
  const known = Object.keys(COMMANDS);
  throw new UsageError(
    `there is no command ${word}${nearest(word, known)} (there are ${known.join(", ")})`,
  );
}

function version(): string {
  const manifest = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
