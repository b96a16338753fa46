/** What a benchmark cannot mean, said before it costs anything. Bounds are the engine's business. */

import { refuse } from "../failure.ts";
import { check, type Kind } from "../kinds.ts";
import { CLIENT } from "../options.ts";
import type { BenchOptions, KneeOptions, LadderOptions, RunOptions } from "./options.ts";

type Known<T> = Record<keyof T, Kind[]>;

/** Options of ours that are not the client's, or not as the client has them. */
export const OURS: Partial<Known<BenchOptions & KneeOptions>> = {
  model: ["string"],
  prompt: ["string", "object"],
  system: ["string"],
  maxTokens: ["number"],
  stream: ["boolean"],
  nonce: ["boolean"],
  extra: ["object"],
  hideHost: ["boolean"],
  slo: ["object"],
  budget: ["object"],
  seed: ["number"],
  drain: ["number"],
  signal: ["signal"],
  onSample: ["function"],
  onRung: ["function"],
  requests: ["number"],
  duration: ["number"],
  concurrency: ["number"],
  rate: ["number"],
  arrivals: ["string", "object"],
  ramp: ["object"],
  warmup: ["object"],
  ladder: ["object"],
};

/** The windows and limits of a ladder. */
export const LADDER_OPTIONS: Known<LadderOptions> = {
  first: ["number"],
  max: ["number"],
  factor: ["number"],
  settle_s: ["number"],
  window_min_s: ["number"],
  window_max_s: ["number"],
  completions_min: ["number"],
  completions_per_slot: ["number"],
  rungs_max: ["number"],
  total_s: ["number"],
  errors_max: ["number"],
  refusals_max: ["number"],
  slo_share: ["number"],
  plateau: ["number"],
  peak_share: ["number"],
  verify_share: ["number"],
  verify_s: ["number"],
  verify_max: ["number"],
  recover_s: ["number"],
  refine_knee: ["number"],
  refine_peak: ["number"],
  refine_ratio: ["number"],
  repeat: ["boolean"],
  drift_max: ["number"],
  rest_max_s: ["number"],
  rest_s: ["number"],
  stop_client_bound: ["boolean"],
};

const SLO: Known<NonNullable<RunOptions["slo"]>> = { ttft: ["number"], tpot: ["number"], e2e: ["number"] };

const BUDGET: Known<NonNullable<RunOptions["budget"]>> = {
  requests: ["number"],
  tokens: ["number"],
  money: ["number"],
  prices: ["object"],
};

const WARMUP: Known<NonNullable<BenchOptions["warmup"]>> = { requests: ["number"], duration: ["number"] };

/** Refuses what one side of a comparison cannot have for itself. */
export function checkSide(side: object): void {
  for (const name of ["fetch", "fetchOptions"]) {
    if (name in (side ?? {})) throw refuse(name, "it on one side", "it among the options of the run, for both sides");
  }
}

/** Refuses options that nobody knows, or of the wrong kind; a misspelt limit would be none. */
export function checkRun(options: Partial<BenchOptions & KneeOptions>): void {
  check(options, { ...CLIENT, ...OURS }, "a run");
  const { slo, budget, warmup, ladder } = options;
  check(slo ?? {}, SLO, "slo");
  check(budget ?? {}, BUDGET, "budget");
  check(warmup ?? {}, WARMUP, "warmup");
  check(ladder ?? {}, LADDER_OPTIONS, "ladder");
}
