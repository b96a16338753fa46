/**
 * The benchmark engine: what an endpoint does under load, and where its knee is.
 *
 * ```ts
 * import { knee, renderReport } from "kneepoint/bench";
 *
 * const run = knee({ baseURL: "http://127.0.0.1:8000/v1", model: "m", maxTokens: 100 });
 * for await (const tick of run) console.log(tick.concurrency, tick.tokens_per_s);
 * const report = await run;
 * console.log(report.answer?.knee?.value, renderReport(report, "text"));
 * ```
 *
 * @packageDocumentation
 */

import * as engine from "#bench";
import { runtime } from "#runtime";
import { readyNow } from "../engine.ts";
import { KneepointError } from "../errors.ts";
import { isObject, kindOf, refuse } from "../failure.ts";
import { check, checkObject } from "../kinds.ts";
import { complete } from "../options.ts";
import { checkLadder, checkPairs, checkPlain, checkSide } from "./check.ts";
import type { BenchOptions, KneeOptions, TargetOptions } from "./options.ts";
import { clientOf, ladderFor, ladderOf, planOf, targetOf } from "./plan.ts";
import type { Comparison, Report, Rule } from "./report.ts";
import { enterRefusing, Run, type Side, sideOf } from "./run.ts";

export { KneepointError } from "../errors.ts";
export { ready } from "../engine.ts";
export type { ModuleSource } from "../runtime/source.ts";
export type { Message } from "../prompt.ts";
export type {
  BenchOptions,
  KneeOptions,
  LadderOptions,
  PromptSource,
  RunOptions,
  TargetOptions,
} from "./options.ts";
export type * from "./report.ts";
export type { Run } from "./run.ts";

/** Sends what it is told to and measures it. `await` the result, or iterate it for its progress. */
export function bench(options: BenchOptions): Run<Report> {
  return new Run<Report>({ ...hooks(options), ...clientOf(options) }, async () => {
    checkPlain(options);
    const plan = planOf(options);
    const { client, target } = await sideOf(options, targetOf(options, false));
    return (door, watch) => engine.begin(door, watch, client, target, plan);
  });
}

/** Raises the concurrency until that no longer helps, and says where that is: the knee, the peak and
 * the server's limit. Nothing is retried meanwhile. */
export function knee(options: KneeOptions): Run<Report> {
  return new Run<Report>({ ...clientOf(options), ...hooks(options) }, async () => {
    checkLadder(options);
    const { baseURL } = complete(clientOf(options));
    const url = baseURL ?? options.provider ?? "";
    const ladder = ladderFor(url, options.ladder, runtime.mostAtOnce(url));
    const plan = ladderOf({ ...options, ladder });
    const { client, target } = await sideOf(options, targetOf(options, true));
    return (door, watch) => engine.begin(door, watch, client, target, plan);
  });
}

/** What differs on one side of a comparison. Both are sent in the same way, which the run's own options
 * say. */
export type CompareSide = Partial<Omit<TargetOptions, "fetch" | "fetchOptions">>;

/** What a comparison is told: a plain run, against two targets. What a target does not say is as in
 * the run's own options. */
export interface CompareOptions extends Omit<BenchOptions, "model"> {
  /** The one side. */
  a: CompareSide;
  /** The other. */
  b: CompareSide;
  /** The model of both, unless they name their own. */
  model?: string;
  /** How often each runs, in turns. Default and least: 5. */
  pairs?: number;
}

/** Runs against two targets in turns (A B, B A, …), which alone tells a difference from a change of
 * the weather. */
export function compare(options: CompareOptions): Run<Comparison> {
  checkObject("options", options);
  const { a, b, pairs = 5, ...rest } = options;
  const whole = (side: CompareSide): BenchOptions => ({ model: "", ...rest, ...side });
  const sides = [whole(a), whole(b)] as const;
  return new Run<Comparison>({ ...clientOf(rest), ...hooks(rest) }, async () => {
    checkSide("a", a);
    checkSide("b", b);
    checkPairs(pairs);
    sides.forEach(checkPlain);
    const plan = planOf({ model: "", ...rest });
    const described = (side: BenchOptions): Promise<Side> => sideOf(side, targetOf(side, false));
    const [one, two] = await Promise.all([described(sides[0]), described(sides[1])]);
    return (door, watch) =>
      engine.begin_pairs(door, watch, one.client, one.target, two.client, two.target, plan, pairs);
  });
}

function hooks(options: Pick<BenchOptions, "onSample" | "onRung" | "signal">) {
  checkObject("options", options);
  const { onSample, onRung, signal } = options;
  return { onSample, onRung, signal };
}

/** Two reports side by side, with a warning about what cannot be concluded from single runs. */
export function compareReports(a: Report, b: Report): Comparison {
  const [one, other] = [written("a", a), written("b", b)];
  return JSON.parse(entered(() => engine.compared(one, other)));
}

/** A comparison as a table. */
export function renderComparison(comparison: Comparison): string {
  const json = written("comparison", comparison);
  return entered(() => engine.comparison_text(json));
}

/** Adds up reports of one load that several machines sent at the same time: counts add, rates add
 * over the time in common, percentiles come from the merged histograms. */
export function merge(reports: readonly Report[]): Report {
  if (!Array.isArray(reports)) throw refuse("reports", kindOf(reports), "an array of reports");
  const texts = reports.map((report) => written("reports", report));
  return JSON.parse(entered(() => engine.merged(texts)));
}

/** What samples look like, in their own unit. */
export interface Summary {
  n: number;
  min: number;
  max: number;
  mean: number;
  /** The standard deviation; `null` for a single sample. */
  sd: number | null;
  rule: Rule;
  p50: number;
  p75: number;
  p90: number;
  p95: number;
  p99: number;
  "p99.9": number;
}

/** Summarises numbers under a rule, by default `"inclusive"`; `null` if there are none. */
export function summarize(
  samples: Iterable<number>,
  options: { rule?: Rule } = {},
): Summary | null {
  const rule = chosen("rule", options, "inclusive");
  if (!isObject(samples) || !(Symbol.iterator in samples)) {
    throw refuse("samples", kindOf(samples), "an array of numbers, or something else to iterate over");
  }
  const numbers = Float64Array.from(samples);
  const json = entered(() => engine.summarized(numbers, rule));
  const found = JSON.parse(json) as (Summary & { quantiles?: [number, number][] }) | null;
  if (found === null) return null;
  for (const [q, value] of found.quantiles ?? []) {
    const percent = Math.round(q * 1000) / 10;
    (found as unknown as Record<string, number>)[`p${percent}`] = value;
  }
  delete found.quantiles;
  return found;
}

/** The formats of a report: its text; schema v1; a row or a line of JSON per rung; the percentile
 * table of HDR tools; one HTML file with its pictures; the keys of vLLM's `bench serve`. */
export type ReportFormat = (typeof FORMATS)[number];

/** All of them. What each becomes is the module's to know. */
export const FORMATS = ["text", "json", "csv", "jsonl", "hgrm", "html", "vllm"] as const;

/** The times that a report has. */
export type MetricName = (typeof METRICS)[number];

/** All of them. */
export const METRICS = ["ttft", "ttfv", "tpot", "icl", "e2e", "queue", "e2e_sched"] as const;

/** A report in another format; `metric` says of what, where a format holds one kind of times only. */
export function renderReport(
  report: Report,
  format: ReportFormat = "text",
  options: { metric?: MetricName } = {},
): string {
  const metric = chosen("metric", options, "e2e");
  const json = written("report", report);
  if (!FORMATS.includes(said("format", format) as ReportFormat)) {
    throw refuse("format", JSON.stringify(format), `one of ${FORMATS.join(", ")}`);
  }
  return entered(() => engine.rendered(json, format, metric));
}

/** One kind of times as the compressed histogram that HDR tools exchange (V2), in microseconds. */
export async function renderHdr(
  report: Report,
  options: { metric?: MetricName } = {},
): Promise<Uint8Array> {
  const metric = chosen("metric", options, "e2e");
  const json = written("report", report);
  const payload = entered(() => engine.hdr_payload(json, metric));
  const deflating = new Blob([payload as BlobPart])
    .stream()
    .pipeThrough(new CompressionStream("deflate"));
  const deflated = new Uint8Array(await new Response(deflating).arrayBuffer());
  return entered(() => engine.hdr_compressed(deflated));
}

/** What came of a threshold. */
export interface Checked {
  /** The threshold, in its plainest form. */
  threshold: string;
  /** Whether it was missed; also where the report does not have the figure. */
  missed: boolean;
  /** The figure: milliseconds, a share or a rate; `null` where there is none, or it is endless. */
  value: number | null;
  /** Whether failures made it endless. */
  endless: boolean;
}

/** Holds a report against thresholds such as `p95>800ms` or `error_rate>1%`: each says what must
 * not be. */
export function checkThresholds(report: Report, thresholds: readonly string[]): Checked[] {
  if (!Array.isArray(thresholds)) throw refuse("thresholds", kindOf(thresholds), "an array of texts");
  const [json, texts] = [written("report", report), thresholds.map((one) => said("thresholds", one))];
  return JSON.parse(entered(() => engine.checked(json, texts)));
}

/** Throws where a text is no threshold, and says why. */
export function checkThreshold(text: string): void {
  const known = said("threshold", text);
  entered(() => engine.check_threshold(known));
}

/** The names of a request's columns in CSV. */
export function csvHeader(): string {
  return entered(() => engine.csv_header());
}

/** A request as a row of CSV. */
export function csvRow(sample: object): string {
  const json = written("sample", sample);
  return entered(() => engine.csv_row(json));
}

/** A report and the like as the module reads it, which would break over what is none. */
function written(name: string, value: object): string {
  checkObject(name, value);
  return JSON.stringify(value);
}

/** A text, for the same reason. */
function said(name: string, value: string): string {
  if (typeof value !== "string") throw refuse(name, kindOf(value), "a text");
  return value;
}

/** The text that an option says, or another one where it says nothing. */
function chosen(name: string, options: object, otherwise: string): string {
  check(options, { [name]: ["string"] }, "this function");
  return (options as Record<string, string | undefined>)[name] ?? otherwise;
}

function entered<T>(work: () => T): T {
  if (!readyNow()) {
    throw new KneepointError("the module is not loaded yet: `await ready()` first", {
      kind: "module",
    });
  }
  return enterRefusing(work);
}
