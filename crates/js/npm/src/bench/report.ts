/** What a benchmark finds: schema v1 as types. Nothing in it holds a key, a prompt or an answer. */

/** How a request ended. */
export type RequestClass =
  /** With an answer. */
  | "ok"
  /** Refused for its rate. */
  | "429"
  /** The server failed or was overloaded. */
  | "5xx"
  /** The server found fault with the request. */
  | "4xx"
  /** One of the client's clocks ran out. */
  | "timeout"
  /** The connection failed. */
  | "network"
  /** A browser did not let the answer be read, or could not reach the server: it does not say. */
  | "cors"
  /** The answer stopped before its end, or could not be read to it. */
  | "truncated"
  /** A success that is none of an API: a web page, or another text. */
  | "not_api"
  /** A success without an answer in it. */
  | "empty"
  /** Taken back: the run was over. */
  | "aborted";

/** What a rung was measured for. */
export type Purpose = "run" | "climb" | "verify" | "refine" | "repeat";

/** Who counted tokens. `chunks` is nobody: pieces were counted instead. */
export type TokenSource = "usage" | "timings" | "chunks" | "none";

/** How a quantile is taken between two samples: as Python's `statistics.quantiles` does, as numpy
 * does, or by nearest rank. */
export type Rule = "exclusive" | "inclusive" | "nearest";

/** A figure and its 95 % interval, in the unit of the field that holds it. */
export interface Estimate {
  value: number;
  /** The interval's lower end; `null` where there is too little data for one. */
  low: number | null;
  /** Its upper end. */
  high: number | null;
}

/** One quantile, in milliseconds. */
export interface Quantile {
  /** Which: 0.95 for p95. */
  q: number;
  /** Of the requests with an answer. */
  value: number;
  /** The lower end of its interval; `null` where there were too few samples. */
  low: number | null;
  /** Its upper end. */
  high: number | null;
  /** Samples that an interval takes, where there were too few. */
  needs: number | null;
  /** With every failure counted as endless; `null` means endless. */
  with_failures: number | null;
}

/** Durations of one kind, in milliseconds. */
export interface Metric {
  /** How many there are. */
  n: number;
  min: number;
  max: number;
  mean: number;
  /** The standard deviation; `null` for a single one. */
  sd: number | null;
  /** How the quantiles were taken. */
  rule: Rule;
  /** Whether quantiles are exact, or above by at most 0.1 %. */
  exact: boolean;
  /** p50, p75, p90, p95, p99 and p99.9. */
  quantiles: Quantile[];
  /** All of them, counted: pairs of microseconds, to 3 digits and ascending, and how many. */
  buckets: [number, number][];
}

/** The figures of the block on top of a report, as the usual small script prints them. Latencies are in
 * milliseconds, from dispatch to the last content. */
export interface Reference {
  /** Failures included. */
  total_requests: number;
  /** From the first dispatch to the last finish, in seconds. */
  total_time_s: number;
  /** Answers per second. */
  throughput_per_s: number;
  min: number;
  max: number;
  /** The mean. */
  avg: number;
  /** The median. */
  p50: number;
  p95: number;
  p99: number;
  /** How p95 and p99 were taken. */
  rule: Rule;
}

/** What was measured under one load. */
export interface Rung {
  /** What it was measured for. */
  purpose: Purpose;
  /** Slots of a closed loop; `null` where requests were sent at given times. */
  concurrency: number | null;
  /** When it began, in seconds since the run did. */
  start_s: number;
  /** How long it was measured, in seconds: a plain run from the first dispatch to the last finish, a ladder's
   * rung for its window. */
  duration_s: number;
  /** Requests that ended in it. */
  requests: number;
  /** Those with an answer. */
  ok: number;
  /** Attempts sent, retries included. */
  attempts: number;
  /** Those among them that the server refused (400) and that were followed at once by one without the question
   * for usage. */
  usage_refused: number;
  /** How requests ended; classes that did not occur are left out. `excerpt`: the beginning of what the server
   * said the first time. */
  classes: { class: RequestClass; count: number; excerpt: string | null }[];
  /** Answers per second. */
  requests_per_s: Estimate;
  /** Tokens of answers per second; `null` where nobody counted tokens. */
  output_tokens_per_s: Estimate | null;
  /** Answers per second that met every objective; `null` where none was given. */
  goodput_per_s: number | null;
  /** The share of requests that met every objective, from 0 to 1, failures included; `null` where none was
   * given. */
  slo_share: Estimate | null;
  /** Tokens of prompts, of requests with an answer. */
  input_tokens: number;
  /** Tokens of answers. */
  output_tokens: number;
  /** Tokens of prompts that came from the server's cache. */
  cached_tokens: number;
  /** Who counted the answers' tokens; the weakest source, where there were several. */
  token_source: TokenSource;
  /** Requests in flight on average. */
  concurrency_mean: number;
  /** The most requests in flight at once. */
  concurrency_peak: number;
  /** The share of the wanted concurrency that did not arrive, by Little's law; `null` where requests were sent
   * at given times. */
  little_residual: number | null;
  /** Whether most streams came in one burst, so that times per token mean nothing. */
  buffered: boolean;
  /** The block on top of the report; `null` without an answer. */
  reference: Reference | null;
  /** From the dispatch to the first content. */
  ttft: Metric | null;
  /** From the dispatch to the first visible token: reasoning does not count. */
  ttfv: Metric | null;
  /** Time per output token after the first, one figure for each request. */
  tpot: Metric | null;
  /** Gaps between chunks, of all streams together. */
  icl: Metric | null;
  /** From the dispatch to the last content. */
  e2e: Metric | null;
  /** From the planned start to the dispatch. */
  queue: Metric | null;
  /** From the planned start to the last content. */
  e2e_sched: Metric | null;
  /** What happened second by second, or in a few of a long run. */
  timeline: Moment[];
  /** Whether the client was the limit. */
  client: ClientVerdict;
}

/** One second of a run, or a few of a long one. */
export interface Moment {
  /** When it began, in seconds since the run did. */
  t_s: number;
  /** How long it was, in seconds. */
  duration_s: number;
  /** Requests in flight on average. */
  in_flight: number;
  /** Requests that ended with an answer. */
  ok: number;
  /** Requests that were refused. */
  refused: number;
  /** Requests that failed. */
  failed: number;
  /** Tokens that came: those of an answer evenly over the time that it took. */
  tokens: number;
}

/** Whether the client, not the server, was the limit. */
export interface ClientVerdict {
  /** Whether it was. */
  bound: boolean;
  /** By which signs, in sentences; empty where it was not. */
  reasons: string[];
  /** How late timers were at p95, in milliseconds; `null` where none was watched. */
  lag_p95_ms: number | null;
  /** The share of the time in which the measuring thread worked, from 0 to 1. */
  busy: number;
}

/** A concurrency, between which others it lies, and why. */
export interface Finding {
  /** The concurrency. */
  value: number;
  /** It is no lower than this. */
  low: number;
  /** It is no higher than this. */
  high: number;
  /** Why, in a sentence. */
  reason: string;
}

/** What a ladder found; `null` where it did not, or where the server was another at the end. */
export interface LadderAnswer {
  /** The best balance of throughput and latency. */
  knee: Finding | null;
  /** The least concurrency close to the highest throughput. */
  peak: Finding | null;
  /** Beyond it the server refuses; 0 where it refuses one at a time. */
  limit: Finding | null;
  /** The highest at which the objectives were met. */
  slo: Finding | null;
  /** Why it went no higher: the rule, such as `plateau`, and its figures in a sentence. */
  stop: { value: string; reason: string };
  /** Whether the server was the same at the end; `null` where nothing was measured twice. */
  stability: Stability | null;
}

/** What was measured twice, set beside each other. */
export interface Stability {
  /** The larger change of throughput between a first and a second measurement, as a share. */
  value: number;
  /** Whether that is within the bound. */
  stable: boolean;
  /** The smaller ratio of a second measurement to its first. */
  low: number;
  /** The larger one. */
  high: number;
  /** The figures, in a sentence. */
  reason: string;
}

/** The result of a run: schema v1. */
export interface Report {
  schema: 1;
  /** `kneepoint` */
  tool: string;
  /** The tool's version. */
  version: string;
  /** What sent the requests, and its version. */
  engine: string;
  /** How the server was reached, as far as the runtime tells. */
  protocol: {
    /** `http/1.1`, `h2` or `h3`. */
    http: string | null;
    /** Connections opened. */
    opened: number | null;
    /** Requests that found an open connection. */
    reused: number | null;
    /** How many requests the runtime lets be under way at once. */
    cap: number | null;
    /** What else there is to say, in sentences. */
    notes: string[];
  };
  /** What was asked for, by the names of the schema. `host` is `null` where it was hidden. */
  config: Record<string, unknown> & { host: string | null; path: string; model: string };
  /** Where it ran. */
  env: {
    /** Such as `node 24.4`. */
    runtime: string;
    os: string | null;
    /** The step of the clock in microseconds, where the runtime rounds it. */
    clock_step_us: number | null;
    /** When the run began, in milliseconds since 1970 (UTC). */
    started_unix_ms: number | null;
    /** Whether it was a browser, whose connections are few. */
    browser: boolean;
  };
  /** What was measured, in the order in which it was; one for a plain run. */
  rungs: Rung[];
  /** What a ladder found; `null` for a plain run. */
  answer: LadderAnswer | null;
  /** How it was measured. */
  method: {
    /** How quantiles were taken, but for the block on top. */
    rule: Rule;
    /** The confidence of all intervals, as a share of 1. */
    confidence: number;
    /** Whether failed requests were sent again. */
    retries: boolean;
    /** Whether servers were asked for usage in streams; `false` where that was refused or not wanted. */
    usage_asked: boolean;
    /** Whether it was ended by hand, because its budget was used up, or because nobody could be reached. */
    stopped_early: boolean;
    /** What else there is to say, in sentences. */
    notes: string[];
  };
}

/** What a comparison found. */
export interface Comparison {
  /** Pairs of runs; 1 for two reports. */
  pairs: number;
  /** The figures that both sides have. */
  differences: {
    /** Such as `ttft.p95`. */
    figure: string;
    /** Of A, in the figure's unit: milliseconds, or per second. Of several runs the geometric mean. */
    a: number;
    /** Of B. */
    b: number;
    /** B by A; without an interval for two reports. */
    ratio: Estimate;
    /** How likely so one-sided pairs are if there is no difference (sign test); `null` for two reports. */
    p: number | null;
    /** Whether the interval leaves no room for "equal". */
    differs: boolean;
  }[];
  /** What cannot be concluded, in sentences. */
  warnings: string[];
}

/** How a run stands. */
export interface Tick {
  /** Seconds since the run began. */
  t_s: number;
  /** What it is doing: requests do not count yet, the server is to feel a new concurrency, requests count,
   * nothing more is sent. */
  phase: "warmup" | "settle" | "measure" | "drain";
  /** The rung under way, from 0. */
  rung: number;
  /** What that is measured for; `null` before the first. */
  purpose: Purpose | null;
  /** Slots of a closed loop; `null` where requests are sent at given times. */
  concurrency: number | null;
  /** Requests in flight. */
  in_flight: number;
  /** Slots that rest after a refusal. */
  resting: number;
  /** Requests that have ended since the run began. */
  done: number;
  /** Those with an answer. */
  ok: number;
  /** Those without, by class; classes that did not occur are left out. */
  failed: [RequestClass, number][];
  /** Attempts that failed and were repeated, or wait to be. */
  repeated: number;
  /** What the last attempt that failed did so of: its status, or the error's `kind`. */
  last_failure: string | null;
  /** From 0 to 1; `null` for a ladder, whose length nobody knows. */
  progress: number | null;
  /** Answers per second over the last two seconds, each spread evenly over the time that it takes. */
  requests_per_s: number;
  /** Tokens of these answers per second. */
  tokens_per_s: number;
  /** From the dispatch to the first content, in this rung. */
  ttft: Percentiles | null;
  /** From the dispatch to the last content, in this rung. */
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
  /** Its number in the run, from 0. */
  id: number;
  /** The rung that it belongs to, from 0; outside of any, the one during which it was sent. */
  rung: number;
  /** The slot that sent it, from 0; 0 where requests are sent at given times. */
  slot: number;
  /** When it was to be sent: the planned time, or when its slot became free. */
  t_sched: number;
  /** When its first attempt was handed to the transport; `null` if it never was. */
  t_start: number | null;
  /** When the head of the last attempt's reply was there. */
  t_headers: number | null;
  /** When the first content or tool call was there, of streams. */
  t_first: number | null;
  /** When the first visible token was there: reasoning does not count. */
  t_visible: number | null;
  /** When the last content was there. */
  t_last: number | null;
  /** When it was over. */
  t_end: number;
  /** The HTTP status of the last attempt. */
  status: number | null;
  /** How it ended. */
  class: RequestClass;
  /** The beginning of what the server said about a failure, with the key masked. */
  error: string | null;
  /** Attempts sent. */
  attempts: number;
  /** How long the server asked to wait, in milliseconds. */
  retry_after: number | null;
  /** Tokens of the prompt, as the server counts them. */
  in_tok: number | null;
  /** Tokens of the answer, by `tok_source`. */
  out_tok: number | null;
  /** Tokens of the prompt that the server had in a cache. */
  cached_tok: number | null;
  /** Who counted the answer's tokens. */
  tok_source: TokenSource;
  /** Events with content. */
  chunks: number;
  /** Reads of the network that brought content. */
  reads: number;
  /** The longest silence between two reads with content, in microseconds. */
  max_gap: number | null;
  /** Why the answer ended, in the words of OpenAI's protocol. */
  finish_reason: string | null;
  /** Bytes of the reply's body, of the last attempt. */
  bytes: number;
  /** Whether its connection had served before, where the runtime tells. */
  reused: boolean | null;
  /** The protocol, such as `h2`, where the runtime tells. */
  protocol: string | null;
}
