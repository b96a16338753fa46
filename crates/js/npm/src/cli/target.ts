/** From flags to the options of a run. */

import { readFileSync } from "node:fs";

import { LADDER_OPTIONS } from "../bench/check.ts";
import { PROVIDERS } from "../options.ts";
import type { Message } from "../prompt.ts";
import type {
  BenchOptions,
  KneeOptions,
  LadderOptions,
  PromptSource,
  RunOptions,
} from "../bench/options.ts";
import type { Given } from "./flags.ts";
import { address, count, countOrTime, FileError, nearest, number, reasonOf, time, UsageError } from "./words.ts";

/** More requests at once than this are a slip of the finger. */
const CONCURRENCY_MAX = 100_000;

/** Applies `read` to a flag's value, if it was given. */
function given<T>(flags: Given, name: string, read: (flag: string, text: string) => T): T | undefined {
  const text = flags.value(name);
  return text === undefined ? undefined : read(`--${name}`, text);
}

/** What all runs have in common. */
function common(flags: Given): RunOptions {
  const provider = flags.value("provider");
  if (provider !== undefined && !PROVIDERS.has(provider)) {
    throw new UsageError(
      `--provider: expected ${[...PROVIDERS.keys()].join(", ")}, found "${provider}"; an address goes to --url`,
    );
  }
  const model = flags.value("model");
  if (!model) throw new UsageError("--model is missing: which model is to answer?");
  return {
    provider,
    model,
    apiKey: given(flags, "api-key-file", keyIn),
    prompt: promptOf(flags),
    system: flags.value("system"),
    nonce: flags.either("nonce"),
    maxTokens: given(flags, "max-tokens", (flag, text) => count(flag, text, 1, 10_000_000)),
    stream: flags.either("stream"),
    timeout: given(flags, "timeout", time),
    slo: sloOf(flags),
    budget: budgetOf(flags),
    seed: given(flags, "seed", (flag, text) => count(flag, text, 0)),
    drain: given(flags, "drain", (flag, text) => Math.round(time(flag, text))),
    hideHost: flags.has("hide-host"),
  };
}

/** A plain run's options. */
export function benchOptions(flags: Given): BenchOptions {
  const rate = given(flags, "rate", positive);
  const spaced = ["poisson", "gamma"].filter((name) => flags.has(name));
  if (rate === undefined && spaced[0] !== undefined) {
    throw new UsageError(`--${spaced[0]} says how requests of a --rate are spaced: give that too`);
  }
  const loads = ["concurrency", "rate", "ramp"].filter((name) => flags.has(name));
  if (loads.length > 1) throw new UsageError(`--${loads.join(" and --")} exclude each other`);
  if (spaced.length > 1) throw new UsageError("--poisson and --gamma exclude each other");
  const gamma = given(flags, "gamma", positive);
  const options: BenchOptions = {
    ...common(flags),
    baseURL: baseOf(flags),
    requests: given(flags, "requests", (flag, text) => count(flag, text, 1, 1e9)),
    duration: given(flags, "duration", (flag, text) => Math.round(time(flag, text))),
    concurrency: given(flags, "concurrency", concurrency),
    rate,
    arrivals: gamma === undefined ? (flags.has("poisson") ? "poisson" : undefined) : { gamma },
    ramp: given(flags, "ramp", rampOf),
    warmup: given(flags, "warmup", countOrTime),
    maxRetries: given(flags, "max-retries", (flag, text) => count(flag, text, 0, 1000)),
  };
  if (options.requests === undefined && options.duration === undefined) {
    throw new UsageError("when is it over? Give a number of requests (-n 1000), a --duration 30s, or both");
  }
  return options;
}

/** A ladder's options. */
export function kneeOptions(flags: Given): KneeOptions {
  const seconds = (flag: string, text: string): number => time(flag, text) / 1000;
  const ladder: LadderOptions = {};
  const put = (name: keyof LadderOptions, value: number | boolean | undefined): void => {
    if (value !== undefined) Object.assign(ladder, { [name]: value });
  };
  put("max", given(flags, "max", concurrency));
  put("first", given(flags, "first", concurrency));
  put("window_min_s", given(flags, "window", seconds));
  put("total_s", given(flags, "total", seconds));
  for (const one of flags.list("ladder")) {
    const [name = "", text = ""] = one.split("=");
    if (!Object.hasOwn(LADDER_OPTIONS, name)) {
      const known = Object.keys(LADDER_OPTIONS);
      const hint = `${nearest(name, known)} (there are ${known.join(", ")})`;
      throw new UsageError(`--ladder: there is no "${name}"${hint}`);
    }
    const isFlag = text === "true" || text === "false";
    put(name as keyof LadderOptions, isFlag ? text === "true" : number(`--ladder ${name}`, text));
  }
  return { ...common(flags), baseURL: baseOf(flags), ladder };
}

function baseOf(flags: Given): string | undefined {
  const url = given(flags, "url", address);
  const sides = flags.has("a") || flags.has("b");
  if (url === undefined && flags.value("provider") === undefined && !sides) {
    throw new UsageError("--url is missing: which endpoint is to be measured? (Or a --provider.)");
  }
  return url;
}

const concurrency = (flag: string, text: string): number => count(flag, text, 1, CONCURRENCY_MAX);

function positive(flag: string, text: string): number {
  const value = number(flag, text);
  if (value <= 0) throw new UsageError(`${flag}: expected a number above 0, found "${text}"`);
  return value;
}

function rampOf(flag: string, text: string): { from: number; to: number; over: number } {
  const [from, to, over, ...more] = text.split(":");
  if (from === undefined || to === undefined || over === undefined || more.length > 0) {
    throw new UsageError(`${flag}: expected FROM:TO:TIME such as 1:50:60s, found "${text}"`);
  }
  return {
    from: number(flag, from),
    to: positive(flag, to),
    over: Math.round(time(flag, over)),
  };
}

/** The first line of a file, which is the key. */
function keyIn(flag: string, file: string): string {
  const key = contents(flag, file).split("\n")[0]?.trim();
  if (!key) throw new UsageError(`${flag}: there is no key on the first line of ${file}`);
  return key;
}

function promptOf(flags: Given): PromptSource | undefined {
  const ways = ["prompt", "prompt-file", "prompt-tokens"].filter((name) => flags.has(name));
  if (ways.length > 1) throw new UsageError(`--${ways.join(" and --")} exclude each other`);
  const tokens = given(flags, "prompt-tokens", (flag, text) => count(flag, text, 1, 1_000_000));
  const prefix = given(flags, "shared-prefix", (flag, text) => count(flag, text, 1, 1_000_000));
  if (prefix !== undefined) {
    if (tokens === undefined) throw new UsageError("--shared-prefix goes with --prompt-tokens: the end of each");
    return { prefix, suffix: tokens };
  }
  if (tokens !== undefined) return { tokens };
  return given(flags, "prompt-file", promptsIn) ?? flags.value("prompt");
}

/** The prompts of a file: JSON lines if the first line is such, else a prompt a line. */
function promptsIn(flag: string, file: string): (string | Message[])[] {
  const lines = contents(flag, file).split(/\r?\n/);
  const kept = lines.map((text, index) => ({ text, line: index + 1 })).filter(({ text }) => text.trim() !== "");
  if (kept.length === 0) throw new UsageError(`${flag}: there is no prompt in ${file}`);
  const isJson = /^\s*["{[]/.test(kept[0]?.text ?? "") && isParsed(kept[0]?.text ?? "");
  return kept.map(({ text, line }) => (isJson ? promptIn(`${flag}: line ${line} of ${file}`, text) : text));
}

function isParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function promptIn(place: string, text: string): string | Message[] {
  const said: unknown = isParsed(text) ? JSON.parse(text) : undefined;
  if (typeof said === "string") return said;
  const { prompt, messages } = (said ?? {}) as { prompt?: unknown; messages?: unknown };
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(messages) && messages.length > 0) return messages as Message[];
  throw new UsageError(`${place}: expected a JSON string, or an object with "prompt" or "messages"`);
}

/** What a file holds. */
export function contents(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FileError(`${flag}: ${file} cannot be read: ${reasonOf(error)}`);
  }
}

function sloOf(flags: Given): RunOptions["slo"] {
  const all = flags.list("slo").map((text) => {
    const [, name, limit] = /^(ttft|tpot|e2e)\s*<=?\s*(\S+)$/.exec(text) ?? [];
    if (name === undefined || limit === undefined) {
      throw new UsageError(`--slo: expected ttft, tpot or e2e, <, and a time such as ttft<500ms; found "${text}"`);
    }
    return [name, time("--slo", limit)] as const;
  });
  return all.length === 0 ? undefined : Object.fromEntries(all);
}

function budgetOf(flags: Given): RunOptions["budget"] {
  const budget: NonNullable<RunOptions["budget"]> = {};
  for (const one of flags.list("budget")) {
    const [name, text = ""] = one.split("=");
    if (name === "requests" || name === "tokens") budget[name] = count(`--budget ${name}`, text);
    else if (name === "money") budget.money = number("--budget money", text);
    else throw new UsageError(`--budget: expected requests=N, tokens=N or money=X, found "${one}"`);
  }
  const [input, output, ...more] = flags.value("price")?.split(":") ?? [];
  if (input !== undefined) {
    if (output === undefined || more.length > 0) {
      throw new UsageError("--price: expected IN:OUT, money per million tokens, such as 0.5:1.5");
    }
    budget.prices = { input: number("--price", input), output: number("--price", output) };
  }
  if (budget.money !== undefined && budget.prices === undefined) {
    throw new UsageError("--budget money=… takes a --price IN:OUT to go by");
  }
  return Object.keys(budget).length === 0 ? undefined : budget;
}
