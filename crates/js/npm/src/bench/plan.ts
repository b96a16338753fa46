/** What a benchmark was told, as the client and the engine read it. */

import { refuse } from "../failure.ts";
import type { ClientOptions } from "../options.ts";
import type { Message } from "../prompt.ts";
import { OURS } from "./check.ts";
import { environment } from "./environment.ts";
import type {
  BenchOptions,
  KneeOptions,
  LadderOptions,
  PromptSource,
  RunOptions,
  TargetOptions,
} from "./options.ts";

/** The client's part of the options. */
export function clientOf(options: object): ClientOptions {
  const rest: Record<string, unknown> = { ...options };
  for (const name of Object.keys(OURS)) delete rest[name];
  return rest;
}

/** The target as the engine reads it. */
export function targetOf(options: TargetOptions, nonce: boolean): string {
  if (!options.model) throw refuse("model", "none", "a model's name");
  return JSON.stringify({
    model: options.model,
    prompts: promptsOf(options.prompt),
    system: options.system,
    nonce: options.nonce ?? nonce,
    max_tokens: options.maxTokens,
    extra: writable("extra", options.extra ?? {}),
    stream: options.stream ?? true,
    adaptive: options.adaptive ?? false,
    hide_host: options.hideHost ?? false,
    env: environment(),
  });
}

const MADE_UP_TOKENS = 64;

function promptsOf(source: PromptSource | undefined): object {
  if (source === undefined) return { synthetic: MADE_UP_TOKENS };
  if (typeof source === "string") return { text: source };
  if ("tokens" in source) return { synthetic: source.tokens };
  if ("prefix" in source) return { shared: source };
  const line = (one: string | readonly Message[]) =>
    JSON.stringify(writable("prompt", typeof one === "string" ? one : { messages: one }));
  return { lines: source.map(line).join("\n") };
}

/** The value, unless JSON has no words for it. */
function writable<T>(option: string, value: T): T {
  try {
    JSON.stringify(value);
  } catch (error) {
    throw refuse(option, (error as Error).message, "something that can be written as JSON");
  }
  return value;
}

/** A plain run's plan. */
export function planOf(options: BenchOptions): string {
  const { requests, duration, warmup } = options;
  return JSON.stringify({
    load: loadOf(options),
    requests,
    duration_ms: duration,
    warmup_requests: warmup?.requests,
    warmup_ms: warmup?.duration,
    ...commonOf(options),
  });
}

/** A ladder's plan. */
export function ladderOf(options: KneeOptions): string {
  return JSON.stringify({ load: { mode: "ladder", ...options.ladder }, ...commonOf(options) });
}

function commonOf({ slo, budget, seed, drain }: RunOptions): object {
  const prices = budget?.prices;
  return {
    seed,
    drain_ms: drain,
    slo: slo && { ttft_ms: slo.ttft, tpot_ms: slo.tpot, e2e_ms: slo.e2e },
    budget: budget && {
      ...budget,
      prices: prices && { input_per_million: prices.input, output_per_million: prices.output },
    },
  };
}

function loadOf({ concurrency, rate, arrivals = "constant", ramp }: BenchOptions): object {
  const given = [concurrency, rate, ramp].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw refuse("concurrency", "more than one way to send", "one of concurrency, rate and ramp");
  }
  if (ramp !== undefined) {
    return { mode: "ramp", from: ramp.from, to: ramp.to, over_ms: ramp.over };
  }
  if (rate === undefined) return { mode: "closed", concurrency: concurrency ?? 1 };
  if (typeof arrivals === "string") return { mode: arrivals, rate };
  return { mode: "gamma", rate, burstiness: arrivals.gamma };
}

/** Hosts of one's own: they take more than a hosted API allows. */
const OWN =
  /^(?:localhost|.*\.local|.*\.localhost|\[?::1\]?|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*)$/;

/** The highest rung where nobody says. */
const OWN_MAX = 256;

/** The windows and limits, with what the address suggests. */
export function ladderFor(baseURL: string, given: LadderOptions = {}, cap?: number): LadderOptions {
  const host = URL.canParse(baseURL) ? new URL(baseURL).hostname : "";
  const suggested = OWN.test(host) ? Math.min(OWN_MAX, cap ?? OWN_MAX) : undefined;
  return suggested === undefined ? given : { max: suggested, ...given };
}
