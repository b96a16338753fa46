/** What a benchmark may be told. */

import type { ClientOptions } from "../options.ts";
import type { Message } from "../prompt.ts";
import type { Rung, Sample } from "./report.ts";

/** What is asked: a text, several in turn, or made up with so many tokens. */
export type PromptSource =
  | string
  | readonly (string | readonly Message[])[]
  | { tokens: number }
  | { prefix: number; suffix: number };

/** The client's options that mean something to a benchmark. */
export const HEEDED = [
  "provider",
  "baseURL",
  "apiKey",
  "adaptive",
  "maxRetries",
  "retryBudget",
  "maxRetryWait",
  "atMostOnce",
  "timeout",
  "attemptTimeout",
  "firstTokenTimeout",
  "idleTimeout",
  "fetch",
  "fetchOptions",
  "defaultHeaders",
  "defaultQuery",
  "organization",
  "project",
  "dangerouslyAllowBrowser",
] as const satisfies readonly (keyof ClientOptions)[];

type Client = Pick<ClientOptions, (typeof HEEDED)[number]>;

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
  /** The first rung. Default: 1. */
  first?: number;
  /** The highest rung. Default: 64; 256 on this machine and private networks. */
  max?: number;
  /** Each rung is the one before times this. Default: 2. */
  factor?: number;
  /** Settling on a rung ends after so long, even if fewer requests than slots have ended. Default: 15. It begins
   * anew, twice at most, where this machine stood still meanwhile. */
  settle_s?: number;
  /** A rung is measured at least so long. Default: 6. */
  window_min_s?: number;
  /** And at most so long. Default: 40. */
  window_max_s?: number;
  /** In between it ends once so many requests have ended. Default: 30. */
  completions_min?: number;
  /** And so many for each slot. Default: 2. */
  completions_per_slot?: number;
  /** Rungs at most, verifications and repetitions not counted. Default: 14. */
  rungs_max?: number;
  /** No further rung is begun after so long. Default: 600. */
  total_s?: number;
  /** The share of failures that ends the ladder where it is surely exceeded. Default: 0.05. */
  errors_max?: number;
  /** The same for refusals. Default: 0.01. */
  refusals_max?: number;
  /** The share of requests that must meet `slo`. Default: 0.95. */
  slo_share?: number;
  /** The elasticity of throughput below which a step brought nothing. Default: 0.1, a doubling that brings
   * less than 7 %. */
  plateau?: number;
  /** The share of the highest throughput that counts as the peak. Default: 0.95. */
  peak_share?: number;
  /** A limit is verified at this share of its estimate. Default: 0.95. */
  verify_share?: number;
  /** For so long. Default: 60. */
  verify_s?: number;
  /** At most so many times. Default: 3; 0 verifies nothing. */
  verify_max?: number;
  /** How long slots may rest before that, until the server accepts again. Default: 65. */
  recover_s?: number;
  /** Further rungs around the knee. Default: 3. */
  refine_knee?: number;
  /** Further rungs below the peak. Default: 2. */
  refine_peak?: number;
  /** Rungs are looked for no closer together than this ratio. Default: 1.3. */
  refine_ratio?: number;
  /** Whether the lowest and the chosen rung are measured again at the end. Default: `true`. */
  repeat?: boolean;
  /** The change between two measurements of a rung that is still called stable. Default: 0.1. */
  drift_max?: number;
  /** A refused slot rests as long as the server asks, but no longer than this. Default: 30. */
  rest_max_s?: number;
  /** And so long where the server does not say. Default: 1. */
  rest_s?: number;
  /** Whether the ladder ends where this client was the limit. Default: `true`. */
  stop_client_bound?: boolean;
}

/** What a ladder is told. */
export interface KneeOptions extends RunOptions {
  /** Its windows and limits. Default: up to 64 at once, 256 on this machine and private networks. */
  ladder?: LadderOptions | undefined;
}
