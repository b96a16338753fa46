/** What a benchmark may be told, and how the engine reads it. */

import { refuse } from "../failure.ts";
import type { ClientOptions } from "../options.ts";
import type { Message } from "../prompt.ts";
import { OURS } from "./check.ts";
import { environment } from "./environment.ts";
import type { Rung, Sample } from "./report.ts";

/** What is asked: a text, several in turn, or made up with so many tokens. */
export type PromptSource =
  | string
  | readonly (string | readonly Message[])[]
  | { tokens: number }
  | { prefix: number; suffix: number };

type Client = Pick<
  ClientOptions,
  | "provider"
  | "baseURL"
  | "apiKey"
  | "adaptive"
  | "maxRetries"
  | "retryBudget"
  | "maxRetryWait"
  | "timeout"
  | "attemptTimeout"
  | "firstTokenTimeout"
  | "idleTimeout"
  | "fetch"
  | "fetchOptions"
  | "dangerouslyAllowBrowser"
>;

/** Whom to measure, and with what. The client's options mean what they mean to `Kneepoint`; but
 * `adaptive` is off by default, since a benchmark sends what it was told to. */
export interface TargetOptions extends Client {
  /** The model. */
  model: string;
  /** What is asked. Default: made up, about 64 tokens, different every time. */
  prompt?: PromptSource | undefined;
  /** What the system is told. */
  system?: string | undefined;
  /** Tokens of an answer at most. Default: the server's own limit. */
  maxTokens?: number | undefined;
  /** Whether answers are streamed. Default: `true`. */
  stream?: boolean | undefined;
  /** Whether each prompt begins with a text that is never the same, so that no cache of prompts
   * helps. Default: `true` in ladders, `false` in plain runs. */
  nonce?: boolean | undefined;
  /** Further fields of the body. */
  extra?: Record<string, unknown> | undefined;
  /** Whether the report leaves the host out. Default: `false`. */
  hideHost?: boolean | undefined;
}

/** What every run may be told. */
export interface RunOptions extends TargetOptions {
  /** What a good answer must meet, in milliseconds: all that are given. */
  slo?: { ttft?: number; tpot?: number; e2e?: number } | undefined;
  /** What the run may cost. It is refused where it cannot be kept, and ends in time where it could
   * be exceeded. Money takes prices, per million tokens. */
  budget?:
    | {
        requests?: number;
        tokens?: number;
        money?: number;
        prices?: { input: number; output: number };
      }
    | undefined;
  /** The seed of all draws. Default: 1. */
  seed?: number | undefined;
  /** What is in flight at the end may go on for so long, in milliseconds. Default: 30,000. */
  drain?: number | undefined;
  /** Ends the run; what was measured becomes its result. */
  signal?: AbortSignal | undefined;
  /** Told of each request when it has ended; `measured` is false for those that do not count. */
  onSample?: ((sample: Sample, measured: boolean) => void) | undefined;
  /** Told of each rung that was measured. */
  onRung?: ((rung: Rung) => void) | undefined;
}

/** What a plain run is told. It takes a number of requests, a duration, or both. */
export interface BenchOptions extends RunOptions {
  /** Requests to measure. */
  requests?: number | undefined;
  /** For how long requests are sent, in milliseconds. */
  duration?: number | undefined;
  /** Requests at once. Default: 1. */
  concurrency?: number | undefined;
  /** Requests per second, whatever the server does, in place of `concurrency`. */
  rate?: number | undefined;
  /** How those are spaced: evenly, at random as many users do, or at random with gaps of this gamma
   * shape (below 1 burstier, above it more even). Default: `"constant"`. */
  arrivals?: "constant" | "poisson" | { gamma: number } | undefined;
  /** A rate that changes from one to another over so many milliseconds, in place of `rate`. */
  ramp?: { from: number; to: number; over: number } | undefined;
  /** Requests, or milliseconds, before measuring begins. */
  warmup?: { requests?: number; duration?: number } | undefined;
}

/** The windows and limits of a ladder; seconds where a name ends in `_s`. */
export interface LadderOptions {
  first?: number;
  max?: number;
  factor?: number;
  settle_s?: number;
  window_min_s?: number;
  window_max_s?: number;
  completions_min?: number;
  completions_per_slot?: number;
  rungs_max?: number;
  total_s?: number;
  errors_max?: number;
  refusals_max?: number;
  slo_share?: number;
  plateau?: number;
  peak_share?: number;
  verify_share?: number;
  verify_s?: number;
  verify_max?: number;
  recover_s?: number;
  refine_knee?: number;
  refine_peak?: number;
  refine_ratio?: number;
  repeat?: boolean;
  drift_max?: number;
  rest_max_s?: number;
  rest_s?: number;
  stop_client_bound?: boolean;
}

/** What a ladder is told. */
export interface KneeOptions extends RunOptions {
  /** Its windows and limits. Default: up to 64 at once, 256 on this machine and private networks. */
  ladder?: LadderOptions | undefined;
}

/** The client's part of the options. */
export function clientOf(options: object): ClientOptions {
  const rest: Record<string, unknown> = { ...options };
  for (const name of Object.keys(OURS)) delete rest[name];
  return rest;
}

/** The target as the engine reads it. */
export function askOf(options: TargetOptions, nonce: boolean): string {
  if (!options.model) throw refuse("model", "none", "a model's name");
  return JSON.stringify({
    model: options.model,
    prompts: promptsOf(options.prompt),
    system: options.system,
    nonce: options.nonce ?? nonce,
    max_tokens: options.maxTokens,
    extra: options.extra ?? {},
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
    JSON.stringify(typeof one === "string" ? one : { messages: one });
  return { lines: source.map(line).join("\n") };
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
export function ladderFor(baseURL: string, asked: LadderOptions = {}, cap?: number): LadderOptions {
  const host = URL.canParse(baseURL) ? new URL(baseURL).hostname : "";
  const suggested = OWN.test(host) ? Math.min(OWN_MAX, cap ?? OWN_MAX) : undefined;
  return suggested === undefined ? asked : { max: suggested, ...asked };
}
