/** What the commands do. Each answers the exit status. */

import {
  bench,
  type BenchOptions,
  type Checked,
  checkThreshold,
  checkThresholds,
  compare,
  compareReports,
  type Comparison,
  knee,
  merge,
  renderComparison,
  type Report,
  type Run,
} from "../bench/index.ts";
import { KneepointError } from "../failure.ts";
import { adviceOn } from "./advice.ts";
import { type CommandName, type Given, STDOUT } from "./flags.ts";
import { checkWritable, Outputs, put } from "./outputs.ts";
import { Progress } from "./progress.ts";
import { tokenOf } from "./proxy.ts";
import { benchOptions, contents, kneeOptions } from "./target.ts";
import { address, count, FileError, UsageError } from "./words.ts";

/** The exit statuses. */
export const STATUS = { ok: 0, failed: 1, missed: 99, interrupted: 130 } as const;

/** The commands by name. */
export const COMMANDS: Record<CommandName, (flags: Given) => Promise<number>> = {
  bench: (flags) => measured(flags, "bench"),
  knee: (flags) => measured(flags, "knee"),
  compare: (flags) => (flags.words.length > 0 ? compareFiles(flags) : compareLive(flags)),
  merge: mergeFiles,
  report: reportFile,
};

async function measured(flags: Given, command: "bench" | "knee"): Promise<number> {
  noWords(flags);
  const thresholds = thresholdsOf(flags);
  for (const threshold of thresholds) checkFigure(flags, command, threshold);
  const options = await keyed(command === "bench" ? benchOptions(flags) : kneeOptions(flags));
  const outputs = new Outputs(flags, true);
  const progress = new Progress(command, flags.has("quiet"));
  const { onSample } = outputs;
  const run =
    command === "bench"
      ? bench({ ...options, onSample })
      : knee({ ...options, onSample, onRung: (rung) => progress.rung(rung) });
  const { result: report, isInterrupted } = await watched(run, progress);
  await outputs.write(report);
  if (isInterrupted) return STATUS.interrupted;
  const status = judged(report, thresholds);
  adviceOn(report).forEach(complain);
  return status;
}

/** The same with what a proxy of ours wants in the place of a key; no other key goes there. */
async function keyed<T extends Pick<BenchOptions, "apiKey" | "baseURL">>(options: T): Promise<T> {
  const { apiKey, baseURL } = options;
  if (apiKey !== undefined || !baseURL) return options;
  const token = await tokenOf(baseURL);
  return token === undefined ? options : { ...options, apiKey: token };
}

/** Follows a run to its end. The first Ctrl-C ends it, the second one everything. */
async function watched<T>(
  run: Run<T>,
  progress: Progress,
): Promise<{ result: T; isInterrupted: boolean }> {
  let isInterrupted = false;
  const onInterrupt = (): void => {
    if (isInterrupted) {
      // What the shell says next begins a line.
      progress.clear();
      process.exit(STATUS.interrupted);
    }
    isInterrupted = true;
    progress.line("ending: waiting for what is in flight (Ctrl-C again to quit at once)");
    run.stop();
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  try {
    for await (const tick of run) progress.tick(tick);
    return { result: await run, isInterrupted };
  } catch (error) {
    if (!isInterrupted) throw error;
    // What was measured until then is too little for a result.
    progress.clear();
    complain((error as Error).message);
    process.exit(STATUS.interrupted);
  } finally {
    progress.clear();
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

function thresholdsOf(flags: Given): string[] {
  const thresholds = flags.list("fail-if");
  for (const threshold of thresholds) {
    try {
      checkThreshold(threshold);
    } catch (error) {
      throw error instanceof KneepointError ? new UsageError(`--fail-if: ${error.message}`) : error;
    }
  }
  return thresholds;
}

/** Refuses what a run cannot be held against, before it is paid for. */
function checkFigure(flags: Given, command: "bench" | "knee", threshold: string): void {
  const [figure] = /^\w+/.exec(threshold) ?? [];
  if (command === "bench" && /^(?:knee|peak|limit)$/.test(figure ?? "")) {
    throw new UsageError(`--fail-if: ${threshold}: a plain run has no ${figure}, which \`kneepoint knee\` looks for`);
  }
  if (figure === "goodput" && !flags.has("slo")) {
    throw new UsageError(`--fail-if: ${threshold}: goodput is what meets an --slo: give that too`);
  }
}

/** Says which thresholds were missed, and whether anything was answered at all. */
function judged(report: Report, thresholds: readonly string[]): number {
  const missed = checkThresholds(report, thresholds).filter((one) => one.missed);
  for (const one of missed) complain(`missed: ${one.threshold} (it is ${foundIn(one)})`);
  if (missed.length > 0) return STATUS.missed;
  if (report.rungs.some((rung) => rung.ok > 0)) return STATUS.ok;
  const failures = report.rungs.flatMap((rung) => rung.classes);
  const [most] = failures.sort((a, b) => b.count - a.count);
  const excerpt = most?.excerpt ? `: ${most.excerpt}` : "";
  complain(`no request was answered${most === undefined ? "" : ` (${most.class}${excerpt})`}`);
  return STATUS.failed;
}

/** The figure that was held against a threshold, in the threshold's unit. */
function foundIn({ threshold, value, endless }: Checked): string {
  if (endless) return "endless";
  if (value === null) return "not in the report";
  const [unit = ""] = /(?:ms|%|\/s)$/.exec(threshold) ?? [];
  return `${Number((unit === "%" ? value * 100 : value).toFixed(3))}${unit}`;
}

async function compareLive(flags: Given): Promise<number> {
  const [a, b] = ["a", "b"].map((side) => {
    const url = flags.value(side);
    if (url === undefined) {
      throw new UsageError("compare takes two endpoints (--a URL --b URL) or two files (A.json B.json)");
    }
    return address(`--${side}`, url);
  });
  const pairs = count("--pairs", flags.value("pairs") ?? "5", 5, 1000);
  const { baseURL: _, ...options } = benchOptions(flags);
  const model = flags.value("model-b") ?? options.model;
  const progress = new Progress("compare", flags.has("quiet"));
  const file = comparisonFile(flags);
  const { apiKey } = options;
  const [one, two] = await Promise.all([keyed({ baseURL: a, apiKey }), keyed({ baseURL: b, apiKey })]);
  const run = compare({ ...options, a: one, b: { ...two, model }, pairs });
  const { result, isInterrupted } = await watched(run, progress);
  await show(result, file);
  return isInterrupted ? STATUS.interrupted : STATUS.ok;
}

async function compareFiles(flags: Given): Promise<number> {
  const [a, b, ...more] = flags.words;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new UsageError("compare takes two files, A.json and B.json");
  }
  const file = comparisonFile(flags);
  await show(compareReports(reportIn(a), reportIn(b)), file);
  return STATUS.ok;
}

function comparisonFile(flags: Given): string | undefined {
  const file = flags.value("json");
  if (file !== undefined) checkWritable("--json", file);
  return file;
}

async function show(comparison: Comparison, file: string | undefined): Promise<void> {
  if (file !== undefined) await put(file, `${JSON.stringify(comparison)}\n`);
  if (file === STDOUT) return;
  await put(STDOUT, `${renderComparison(comparison)}${verdict(comparison)}\n`);
}

/** One sentence for those who read no tables. */
function verdict({ pairs, differences }: Comparison): string {
  const differ = differences.filter((one) => one.differs).map((one) => one.figure);
  if (pairs > 1 && differ.length > 0) {
    return `B differs from A in ${differ.join(", ")} (each with 95 %: of twenty figures one would by chance).`;
  }
  return pairs > 1
    ? `From ${pairs} pairs no difference can be concluded.`
    : "From one run each no difference can be concluded.";
}

async function mergeFiles(flags: Given): Promise<number> {
  if (flags.words.length < 2) throw new UsageError("merge takes two files or more");
  const outputs = new Outputs(flags, false);
  await outputs.write(merge(flags.words.map(reportIn)));
  return STATUS.ok;
}

async function reportFile(flags: Given): Promise<number> {
  const [file, ...more] = flags.words;
  if (file === undefined || more.length > 0) throw new UsageError("report takes one file");
  const thresholds = thresholdsOf(flags);
  const report = reportIn(file);
  const outputs = new Outputs(flags, false);
  if (outputs.isAsked) await outputs.writeFiles(report);
  else await outputs.write(report);
  return thresholds.length === 0 ? STATUS.ok : judged(report, thresholds);
}

function reportIn(file: string): Report {
  const text = contents("the result", file);
  if (text.trim() === "") throw new FileError(`${file} is no result: it is empty`);
  let report: Report;
  try {
    report = JSON.parse(text) as Report;
  } catch {
    throw new FileError(`${file} is no result: it is not JSON`);
  }
  try {
    // Any reader would do: it is read as a whole.
    checkThresholds(report, []);
  } catch (error) {
    throw new FileError(`${file}: ${(error as Error).message}`);
  }
  return report;
}

function noWords(flags: Given): void {
  const [word] = flags.words;
  if (word !== undefined) throw new UsageError(`"${word}" is not understood here: flags begin with --`);
}

/** Says what is wrong, where results do not go. */
export function complain(text: string): void {
  process.stderr.write(`kneepoint: ${text}\n`);
}
