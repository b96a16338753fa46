/** What a benchmark cannot mean, said before it costs anything. Bounds are the engine's business. */

import { isObject, refuse } from "../failure.ts";
import { check, checkObject, type Kind } from "../kinds.ts";
import { CLIENT, type ClientOptions } from "../options.ts";
import { type BenchOptions, HEEDED, type KneeOptions, type LadderOptions, type RunOptions, type TargetOptions } from "./options.ts";

type Known<T> = Record<keyof T, Kind[]>;

/** What a target says of its prompts and its report. */
const TARGET: Known<Omit<TargetOptions, keyof ClientOptions>> = {
  model: ["string"],
  prompt: ["string", "list", "object"],
  system: ["string"],
  maxTokens: ["size"],
  stream: ["boolean"],
  nonce: ["boolean"],
  extra: ["object"],
  hideHost: ["boolean"],
};

/** What every run has. */
const COMMON: Known<Omit<RunOptions, keyof TargetOptions>> = {
  slo: ["object"],
  budget: ["object"],
  seed: ["number"],
  drain: ["number"],
  signal: ["signal"],
  onSample: ["function"],
  onRung: ["function"],
};

/** What a plain run has beside that. */
const PLAIN: Known<Omit<BenchOptions, keyof RunOptions>> = {
  requests: ["number"],
  duration: ["number"],
  concurrency: ["size"],
  rate: ["number"],
  arrivals: ["string", "object"],
  ramp: ["object"],
  warmup: ["object"],
};

/** What a ladder has. */
const LADDER: Known<Omit<KneeOptions, keyof RunOptions>> = { ladder: ["object"] };

/** Options of ours that are not the client's, or not as the client has them. */
export const OURS = { ...TARGET, ...COMMON, ...PLAIN, ...LADDER };

/** The client's options as a benchmark has them. */
const ITS_CLIENT = Object.fromEntries(HEEDED.map((name) => [name, CLIENT[name]]));

const NONE = "no such option";
const BY_SERVER = `${NONE}: each answer is to be the server's`;
const BY_SAMPLE = "onSample, which is told of each request";

/** What to do with those that mean nothing to one. */
const UNHEEDED: Record<Exclude<keyof ClientOptions, (typeof HEEDED)[number] | "concurrency">, string> = {
  cache: BY_SERVER,
  dedupe: BY_SERVER,
  hedge: `${NONE}: what is measured is sent once`,
  maxQueue: `${NONE}: what waits is measured too`,
  logger: BY_SAMPLE,
  logLevel: BY_SAMPLE,
  onAttempt: BY_SAMPLE,
};

/** The windows and limits of a ladder. */
export const LADDER_OPTIONS: Known<LadderOptions> = {
  first: ["size"],
  max: ["size"],
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

const PRICES: Known<NonNullable<NonNullable<RunOptions["budget"]>["prices"]>> = { input: ["number"], output: ["number"] };

const RAMP: Known<NonNullable<BenchOptions["ramp"]>> = { from: ["number"], to: ["number"], over: ["size"] };

/** Refuses what one side of a comparison cannot have for itself. */
export function checkSide(name: string, side: object): void {
  checkObject(name, side);
  const { fetch: _, fetchOptions: __, ...known } = ITS_CLIENT;
  const ofRun = { ...OURS, ...ITS_CLIENT };
  const ofBoth = (option: string) =>
    Object.hasOwn(ofRun, option) ? "it among those of the run, for both sides" : placeOf({}, option);
  check(side, { ...known, ...TARGET }, "one side", ofBoth);
}

/** Refuses how often both sides run where that is no number of times. */
export function checkPairs(pairs: unknown): void {
  check({ pairs }, { pairs: ["size"] }, "a comparison");
}

/** Refuses options that a plain run does not have, or of the wrong kind; a misspelt limit would be none. */
export function checkPlain(options: BenchOptions): void {
  checkRun(options, PLAIN, { ladder: "it among the options of knee()" });
  const { warmup, ramp, arrivals, rate } = options;
  check(warmup ?? {}, WARMUP, "warmup");
  if (ramp !== undefined) checkWhole("ramp", ramp, RAMP);
  if (arrivals === undefined) return;
  if (rate === undefined) throw refuse("arrivals", "it without a rate", "a rate, whose requests it spaces");
  if (isObject(arrivals)) checkWhole("arrivals", arrivals, { gamma: ["number"] });
  else if (arrivals !== "constant" && arrivals !== "poisson") {
    throw refuse("arrivals", JSON.stringify(arrivals), '"constant", "poisson" or { gamma }');
  }
}

/** The same for a ladder. */
export function checkLadder(options: KneeOptions): void {
  const place = "its bounds in ladder: a knee is looked for at one concurrency after the other";
  checkRun(options, LADDER, Object.fromEntries(Object.keys(PLAIN).map((name) => [name, place])));
  check(options.ladder ?? {}, LADDER_OPTIONS, "ladder");
}

function checkRun(options: RunOptions, own: Record<string, Kind[]>, places: Record<string, string>): void {
  check(options, { ...ITS_CLIENT, ...TARGET, ...COMMON, ...own }, "a run", (name) => placeOf(places, name));
  const { slo, budget, prompt } = options;
  check(slo ?? {}, SLO, "slo");
  check(budget ?? {}, BUDGET, "budget");
  if (budget?.prices !== undefined) checkWhole("prices", budget.prices, PRICES);
  if (!isObject(prompt) || Array.isArray(prompt)) return;
  checkWhole("prompt", prompt, "tokens" in prompt ? { tokens: ["count"] } : { prefix: ["count"], suffix: ["count"] });
}

function placeOf(places: Record<string, string>, name: string): string | undefined {
  const known: Record<string, string> = { ...UNHEEDED, ...places };
  return Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Refuses what has not all of these names, too. */
function checkWhole(what: string, object: object, known: Record<string, Kind[]>): void {
  check(object, known, what);
  const missing = Object.keys(known).filter((name) => (object as Record<string, unknown>)[name] === undefined);
  if (missing.length > 0) throw refuse(what, `no ${missing.join(" and no ")} in it`, Object.keys(known).join(", "));
}
