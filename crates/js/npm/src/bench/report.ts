/** What a benchmark finds: schema v1 as types. Nothing in it holds a key, a prompt or an answer. */

/** How a request ended. */
export type RequestClass =
  | "ok"
  | "429"
  | "5xx"
  | "4xx"
  | "timeout"
  | "network"
  | "cors"
  | "truncated"
  | "empty"
  | "aborted";

/** What a rung was measured for. */
export type Purpose = "run" | "climb" | "verify" | "refine" | "repeat";

/** Who counted tokens. `chunks` is nobody: pieces were counted instead. */
export type TokenSource = "usage" | "timings" | "chunks" | "none";

/** How a quantile is taken between two samples: as Python's `statistics.quantiles` does, as numpy
 * does, or by nearest rank. */
export type Rule = "exclusive" | "inclusive" | "nearest";

/** A figure and its 95 % interval, where there is enough data for one. */
export interface Estimate {
  value: number;
  low: number | null;
  high: number | null;
}

/** One quantile, in milliseconds. */
export interface Quantile {
  /** Which: 0.95 for p95. */
  q: number;
  value: number;
  low: number | null;
  high: number | null;
  /** Samples that an interval takes, where there were too few. */
  needs: number | null;
  /** With every failure counted as endless; `null` means endless. */
  with_failures: number | null;
}

/** Durations of one kind, in milliseconds. */
export interface Metric {
  n: number;
  min: number;
  max: number;
  mean: number;
  sd: number | null;
  rule: Rule;
  /** Whether quantiles are exact, or above by at most 0.1 %. */
  exact: boolean;
  quantiles: Quantile[];
  /** Pairs of microseconds and how many. */
  buckets: [number, number][];
}

/** The figures of the block on top of a report; times in milliseconds. */
export interface Reference {
  total_requests: number;
  total_time_s: number;
  throughput_per_s: number;
  min: number;
  max: number;
  avg: number;
  p50: number;
  p95: number;
  p99: number;
  rule: Rule;
}

/** What was measured under one load. */
export interface Rung {
  purpose: Purpose;
  /** Slots of a closed loop; `null` where requests were sent at given times. */
  concurrency: number | null;
  start_s: number;
  duration_s: number;
  requests: number;
  ok: number;
  attempts: number;
  classes: { class: RequestClass; count: number; excerpt: string | null }[];
  requests_per_s: Estimate;
  output_tokens_per_s: Estimate | null;
  goodput_per_s: number | null;
  slo_share: Estimate | null;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  token_source: TokenSource;
  concurrency_mean: number;
  concurrency_peak: number;
  little_residual: number | null;
  /** Whether most streams came in one burst, so that times per token mean nothing. */
  buffered: boolean;
  reference: Reference | null;
  /** To the first content. */
  ttft: Metric | null;
  /** To the first visible token. */
  ttfv: Metric | null;
  /** Per output token after the first. */
  tpot: Metric | null;
  /** Gaps between chunks. */
  icl: Metric | null;
  /** To the last content. */
  e2e: Metric | null;
  /** From the planned start to the dispatch. */
  queue: Metric | null;
  /** From the planned start to the last content. */
  e2e_sched: Metric | null;
  timeline: {
    t_s: number;
    duration_s: number;
    in_flight: number;
    ok: number;
    refused: number;
    failed: number;
    tokens: number;
  }[];
  /** Whether the client was the limit, and by which signs. */
  client: { bound: boolean; reasons: string[]; lag_p95_ms: number | null; busy: number };
}

/** A concurrency, between which others it lies, and why. */
export interface Finding {
  value: number;
  low: number;
  high: number;
  reason: string;
}

/** What a ladder found; `null` where it did not. */
export interface LadderAnswer {
  /** The best balance of throughput and latency. */
  knee: Finding | null;
  /** The least concurrency close to the highest throughput. */
  peak: Finding | null;
  /** Beyond it the server refuses. */
  limit: Finding | null;
  /** The highest at which the objectives were met. */
  slo: Finding | null;
  stop: { value: string; reason: string };
  stability: { value: number; stable: boolean; low: number; high: number; reason: string } | null;
}

/** The result of a run: schema v1. */
export interface Report {
  schema: 1;
  tool: string;
  version: string;
  engine: string;
  protocol: {
    http: string | null;
    opened: number | null;
    reused: number | null;
    cap: number | null;
    notes: string[];
  };
  config: Record<string, unknown> & { host: string | null; path: string; model: string };
  env: {
    runtime: string;
    os: string | null;
    clock_step_us: number | null;
    started_unix_ms: number | null;
    browser: boolean;
  };
  rungs: Rung[];
  /** What a ladder found; `null` for a plain run. */
  answer: LadderAnswer | null;
  method: {
    rule: Rule;
    confidence: number;
    retries: boolean;
    usage_asked: boolean;
    stopped_early: boolean;
    notes: string[];
  };
}

/** What a comparison found. */
export interface Comparison {
  /** Pairs of runs; 1 for two reports. */
  pairs: number;
  differences: {
    /** Such as `ttft.p95`. */
    figure: string;
    a: number;
    b: number;
    /** B by A. */
    ratio: Estimate;
    p: number | null;
    /** Whether the interval leaves no room for "equal". */
    differs: boolean;
  }[];
  /** What cannot be concluded, in sentences. */
  warnings: string[];
}

/** How a run stands. */
export interface Tick {
  t_s: number;
  phase: "warmup" | "settle" | "measure" | "drain";
  rung: number;
  purpose: Purpose | null;
  concurrency: number | null;
  in_flight: number;
  /** Slots that rest after a refusal. */
  resting: number;
  done: number;
  ok: number;
  failed: [RequestClass, number][];
  /** From 0 to 1; `null` for a ladder, whose length nobody knows. */
  progress: number | null;
  requests_per_s: number;
  tokens_per_s: number;
  ttft: Percentiles | null;
  e2e: Percentiles | null;
}

/** Percentiles of the moment, in milliseconds. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** One request; times in microseconds since the run began. */
export interface Sample {
  id: number;
  rung: number;
  slot: number;
  t_sched: number;
  t_start: number | null;
  t_headers: number | null;
  t_first: number | null;
  t_visible: number | null;
  t_last: number | null;
  t_end: number;
  status: number | null;
  class: RequestClass;
  error: string | null;
  attempts: number;
  /** In milliseconds. */
  retry_after: number | null;
  in_tok: number | null;
  out_tok: number | null;
  cached_tok: number | null;
  tok_source: TokenSource;
  chunks: number;
  reads: number;
  max_gap: number | null;
  finish_reason: string | null;
  bytes: number;
  reused: boolean | null;
  protocol: string | null;
}
