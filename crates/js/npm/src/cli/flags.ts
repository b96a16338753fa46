/** The flags of the command line: which there are, and what was given. */

import { parseArgs } from "node:util";

import { nearest, UsageError } from "./words.ts";

/** The commands. */
export type CommandName = "bench" | "knee" | "compare" | "merge" | "report";

/** Headings that a help page sorts flags under. */
export type Group = "Endpoint" | "Requests" | "Load" | "Ladder" | "Limits" | "Results";

/** One flag. */
export interface Flag {
  name: string;
  short?: string;
  /** What its value is called; a flag without one is a switch. */
  value?: string;
  /** Whether it may be given several times. */
  multiple?: boolean;
  group: Group;
  text: string;
  of: readonly CommandName[];
}

/** Where a result goes; without a name, to standard output. */
const RESULT = "[FILE]";

/** Standard output, as a file's name. */
export const STDOUT = "-";

const RUNS = ["bench", "knee", "compare"] as const;
const PLAIN = ["bench", "compare"] as const;
const SINGLE = ["bench", "knee"] as const;
const REPORTS = ["bench", "knee", "merge", "report"] as const;

/** All flags, in the order in which help pages show them. */
export const FLAGS: readonly Flag[] = [
  { name: "url", value: "URL", group: "Endpoint", of: SINGLE, text: "base URL, such as http://127.0.0.1:8000/v1" },
  { name: "a", value: "URL", group: "Endpoint", of: ["compare"], text: "base URL of the one side" },
  { name: "b", value: "URL", group: "Endpoint", of: ["compare"], text: "base URL of the other side" },
  { name: "provider", value: "NAME", group: "Endpoint", of: RUNS, text: "openai, anthropic or fireworks: dialect, address and key (default openai)" },
  { name: "model", value: "NAME", group: "Endpoint", of: RUNS, text: "the model" },
  { name: "model-b", value: "NAME", group: "Endpoint", of: ["compare"], text: "the other side's model, if it has another name" },
  { name: "api-key-file", value: "FILE", group: "Endpoint", of: RUNS, text: "where the key is, in place of the environment" },
  { name: "prompt", value: "TEXT", group: "Requests", of: RUNS, text: "what is asked (default: made up, about 64 tokens)" },
  { name: "prompt-file", value: "FILE", group: "Requests", of: RUNS, text: "prompts in turn: one a line, or JSON lines" },
  { name: "prompt-tokens", value: "N", group: "Requests", of: RUNS, text: "made-up prompts of about so many tokens" },
  { name: "shared-prefix", value: "N", group: "Requests", of: RUNS, text: "so many tokens in front that all prompts share" },
  { name: "system", value: "TEXT", group: "Requests", of: RUNS, text: "what the system is told" },
  { name: "nonce", group: "Requests", of: RUNS, text: "begin each prompt differently, so that no cache helps" },
  { name: "no-nonce", group: "Requests", of: RUNS, text: "send prompts as they are" },
  { name: "max-tokens", value: "N", group: "Requests", of: RUNS, text: "tokens of an answer at most" },
  { name: "stream", group: "Requests", of: RUNS, text: "stream answers (the default)" },
  { name: "no-stream", group: "Requests", of: RUNS, text: "ask for whole answers" },
  { name: "timeout", value: "TIME", group: "Requests", of: RUNS, text: "of one request, retries included (default 10m)" },
  { name: "max-retries", value: "N", group: "Requests", of: PLAIN, text: "of one request (default 2 after trouble, 10 after refusals)" },
  { name: "requests", short: "n", value: "N", group: "Load", of: PLAIN, text: "requests to measure" },
  { name: "duration", value: "TIME", group: "Load", of: PLAIN, text: "for how long requests are sent, such as 30s or 5m" },
  { name: "concurrency", short: "c", value: "N", group: "Load", of: PLAIN, text: "requests at once (default 1)" },
  { name: "rate", value: "R", group: "Load", of: PLAIN, text: "requests per second, whatever the server does" },
  { name: "poisson", group: "Load", of: PLAIN, text: "space them at random, as many users do" },
  { name: "gamma", value: "SHAPE", group: "Load", of: PLAIN, text: "space them with gamma gaps: below 1 burstier" },
  { name: "ramp", value: "FROM:TO:TIME", group: "Load", of: PLAIN, text: "change the rate evenly, such as 1:50:60s" },
  { name: "warmup", value: "N|TIME", group: "Load", of: PLAIN, text: "requests, or time, before measuring begins" },
  { name: "pairs", value: "N", group: "Load", of: ["compare"], text: "runs of each side, in turns (default and least 5)" },
  { name: "max", value: "N", group: "Ladder", of: ["knee"], text: "the highest concurrency (default 64; 256 on private networks)" },
  { name: "first", value: "N", group: "Ladder", of: ["knee"], text: "the lowest concurrency (default 1)" },
  { name: "window", value: "TIME", group: "Ladder", of: ["knee"], text: "measure each rung at least so long (default 6s)" },
  { name: "total", value: "TIME", group: "Ladder", of: ["knee"], text: "begin no rung after so long (default 10m)" },
  { name: "ladder", value: "NAME=X", multiple: true, group: "Ladder", of: ["knee"], text: "any other window or limit, such as verify_s=10" },
  { name: "slo", value: "LIMIT", multiple: true, group: "Limits", of: RUNS, text: "what a good answer meets, such as ttft<500ms (also tpot, e2e)" },
  { name: "budget", value: "LIMIT", multiple: true, group: "Limits", of: RUNS, text: "at most, such as requests=1000, tokens=2M or money=5" },
  { name: "price", value: "IN:OUT", group: "Limits", of: RUNS, text: "money per million tokens of prompts and answers" },
  { name: "fail-if", value: "LIMIT", multiple: true, group: "Limits", of: ["bench", "knee", "report"], text: "exit with 99 if so, such as p95>800ms or error_rate>1%" },
  { name: "seed", value: "N", group: "Limits", of: RUNS, text: "of all draws (default 1)" },
  { name: "drain", value: "TIME", group: "Limits", of: RUNS, text: "let the last requests go on for so long (default 30s)" },
  { name: "text", value: RESULT, group: "Results", of: ["report"], text: "the report as text (the default, on standard output)" },
  { name: "json", value: RESULT, group: "Results", of: REPORTS, text: "the result as JSON, for report, compare and merge" },
  { name: "json", value: RESULT, group: "Results", of: ["compare"], text: "the comparison as JSON" },
  { name: "jsonl", value: RESULT, group: "Results", of: SINGLE, text: "each request as a line of JSON, times in µs since the run began" },
  { name: "csv", value: RESULT, group: "Results", of: SINGLE, text: "each request as a row, times in µs since the run began" },
  { name: "jsonl", value: RESULT, group: "Results", of: ["report"], text: "each rung as a line of JSON" },
  { name: "csv", value: RESULT, group: "Results", of: ["report"], text: "each rung as a row" },
  { name: "hgrm", value: RESULT, group: "Results", of: REPORTS, text: "latencies as the percentile table of HDR tools" },
  { name: "hdr", value: RESULT, group: "Results", of: REPORTS, text: "latencies as a compressed HDR histogram (base64)" },
  { name: "html", value: RESULT, group: "Results", of: REPORTS, text: "one page with everything and its pictures" },
  { name: "vllm", value: RESULT, group: "Results", of: REPORTS, text: "the figures under the keys of vLLM's bench serve" },
  { name: "metric", value: "NAME", group: "Results", of: REPORTS, text: "the times of hgrm and hdr: ttft, ttfv, tpot, icl, e2e (default), …" },
  { name: "hide-host", group: "Results", of: RUNS, text: "leave the host out of results" },
  { name: "quiet", short: "q", group: "Results", of: RUNS, text: "show no progress" },
];

/** What was given: values by flag, and the words that are no flags. */
export class Given {
  readonly #values = new Map<string, string[]>();
  readonly words: string[] = [];

  /** Reads the words after a command. */
  constructor(command: CommandName, argv: readonly string[]) {
    const known = flagsOf(command);
    const { tokens } = parseArgs({
      args: [...argv],
      options: Object.fromEntries(known.map((flag) => [flag.name, typeOf(flag)])),
      strict: false,
      tokens: true,
    });
    for (const token of tokens) {
      if (token.kind === "positional") this.words.push(token.value);
      if (token.kind === "option") this.#take(known, token);
    }
  }

  #take(known: readonly Flag[], { name, rawName, value: said, inlineValue }: Option): void {
    let value = said;
    if (/^(?:(?:api[-_]?)?key|token)$/i.test(name)) {
      throw new UsageError(
        "a key on the command line can be read by everybody on this machine: put it into the provider's variable of the environment, such as OPENAI_API_KEY, or use --api-key-file",
      );
    }
    const flag = known.find((one) => one.name === name);
    if (flag === undefined) {
      throw new UsageError(`there is no ${rawName} here${nearest(rawName, spelled(known))}`);
    }
    if (flag.value === undefined && value !== undefined) {
      throw new UsageError(`${rawName} takes no value, found "${value}"`);
    }
    // A word that looks like a flag is one, and the value was forgotten; a minus alone is a stream.
    const isMissing = value === undefined || (!inlineValue && looksLikeFlag(known, value));
    if (flag.value === RESULT && value === undefined) value = STDOUT;
    else if (flag.value !== undefined && isMissing) {
      const expected = flag.value === RESULT ? "FILE, or - for standard output" : flag.value;
      throw new UsageError(`${rawName} takes a value: ${rawName} ${expected}`);
    }
    const before = this.#values.get(name);
    if (before !== undefined && !flag.multiple) throw new UsageError(`${rawName} was given twice`);
    this.#values.set(name, [...(before ?? []), value ?? ""]);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of a flag that is given once. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** The values of a flag that may be given several times, or as a list. */
  list(name: string): string[] {
    const all = this.#values.get(name) ?? [];
    return all.flatMap((value) => value.split(",")).map((value) => value.trim());
  }

  /** A switch and its opposite; `undefined` where neither was given. */
  either(name: string): boolean | undefined {
    if (this.has(name) && this.has(`no-${name}`)) {
      throw new UsageError(`--${name} and --no-${name} exclude each other`);
    }
    return this.has(name) ? true : this.has(`no-${name}`) ? false : undefined;
  }
}

type Option = { name: string; rawName: string; value: string | undefined; inlineValue: boolean | undefined };

/** The flags of a command. */
export function flagsOf(command: CommandName): Flag[] {
  return FLAGS.filter((flag) => flag.of.includes(command));
}

/** Whether a word begins as a flag does; numbers below zero are no flags. */
function looksLikeFlag(known: readonly Flag[], word: string): boolean {
  const isLong = word.startsWith("--") && word.length > 2;
  return isLong || known.some(({ short }) => short !== undefined && word.startsWith(`-${short}`));
}

function typeOf(flag: Flag): { type: "string" | "boolean"; short?: string; multiple: true } {
  const type = flag.value === undefined ? "boolean" : "string";
  return { type, multiple: true, ...(flag.short ? { short: flag.short } : {}) };
}

function spelled(known: readonly Flag[]): string[] {
  const flags = known.flatMap((flag) => [`--${flag.name}`, ...(flag.short ? [`-${flag.short}`] : [])]);
  return [...flags, "--help"];
}
