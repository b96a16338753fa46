/** What a terminal shows while a run goes on. All of it goes to standard error: standard output is
 * for results. */

import type { Rung, Tick } from "../bench/report.ts";

/** Where a pipe instead of a terminal listens, a line is written every so many milliseconds. */
const PLAIN_EVERY_MS = 5000;

/** A terminal's line is drawn anew no sooner than this. */
const DRAW_EVERY_MS = 100;

const BAR_WIDTH = 16;

const COLUMNS_DEFAULT = 80;

export class Progress {
  readonly #out = process.stderr;
  readonly #isQuiet: boolean;
  readonly #isTerminal: boolean;
  readonly #isColored: boolean;
  readonly #label: string;
  #drawn = -Infinity;
  #isLineOpen = false;
  #hasTable = false;

  constructor(label: string, isQuiet: boolean) {
    this.#label = label;
    this.#isQuiet = isQuiet;
    this.#isTerminal = this.#out.isTTY === true && process.env["TERM"] !== "dumb";
    this.#isColored = this.#isTerminal && !process.env["NO_COLOR"];
  }

  tick(tick: Tick): void {
    const now = performance.now();
    if (this.#isQuiet || now - this.#drawn < (this.#isTerminal ? DRAW_EVERY_MS : PLAIN_EVERY_MS)) return;
    // A pipe is told of the first moments only if they last.
    if (!this.#isTerminal && this.#drawn === -Infinity) {
      this.#drawn = now;
      return;
    }
    this.#drawn = now;
    const segments = segmentsOf(this.#label, tick, this.#isTerminal);
    if (!this.#isTerminal) {
      this.#out.write(`${segments.join("  ")}\n`);
      return;
    }
    this.#out.write(`\r\x1b[K${this.#dim(fit(segments, this.#width))}`);
    this.#isLineOpen = true;
  }

  /** A rung of a ladder that was measured, which stays on the screen. */
  rung(rung: Rung): void {
    if (this.#isQuiet) return;
    if (!this.#hasTable) this.line(HEADER);
    this.#hasTable = true;
    this.line(rowOf(rung));
  }

  /** A line that stays on the screen. */
  line(text: string): void {
    this.clear();
    this.#out.write(`${text.slice(0, this.#width)}\n`);
  }

  /** Columns of a line. The last one stays free: some terminals go to the next line there. */
  get #width(): number {
    return this.#isTerminal ? (this.#out.columns || COLUMNS_DEFAULT) - 1 : Number.POSITIVE_INFINITY;
  }

  /** Takes the moving line away. */
  clear(): void {
    if (this.#isLineOpen) this.#out.write("\r\x1b[K");
    this.#isLineOpen = false;
  }

  #dim(text: string): string {
    return this.#isColored ? `\x1b[36m${text}\x1b[0m` : text;
  }
}

/** The first of these that fit into so many columns. */
function fit(segments: readonly string[], width: number): string {
  let line = "";
  for (const segment of segments) {
    const next = line === "" ? segment : `${line}  ${segment}`;
    if (next.length > width) return line === "" ? next.slice(0, width) : line;
    line = next;
  }
  return line;
}

/** What there is to say, the most important first. */
function segmentsOf(label: string, tick: Tick, isTerminal: boolean): string[] {
  const { progress, concurrency, purpose, phase } = tick;
  const segments = [`${label} ${clock(tick.t_s)}`];
  if (phase === "drain") {
    segments.push("ending");
  } else if (progress !== null) {
    const percent = `${Math.floor(progress * 100)} %`.padStart(5);
    segments.push(isTerminal ? `${bar(progress)} ${percent}` : percent.trim());
  } else if (concurrency !== null) {
    segments.push(`N ${concurrency}`, phase === "measure" ? (purpose ?? "") : phase);
  }
  // Figures keep their places while they change.
  const wide = (text: string, width: number) => (isTerminal ? text.padStart(width) : text);
  segments.push(`${wide(String(tick.in_flight), 4)} in flight`);
  segments.push(`${wide(figure(tick.requests_per_s), 6)} req/s`);
  if (tick.tokens_per_s > 0) segments.push(`${wide(figure(tick.tokens_per_s), 7)} tok/s`);
  const failed = tick.failed.map(([name, count]) => `${name} ${count}`);
  if (failed.length > 0) segments.push(`failed: ${failed.join(", ")}`);
  if (tick.repeated > 0) segments.push(`repeated: ${tick.repeated} (last: ${tick.last_failure})`);
  if (tick.e2e !== null) segments.push(`p50 ${figure(tick.e2e.p50)} p95 ${figure(tick.e2e.p95)} ms`);
  if (tick.ttft !== null) segments.push(`ttft p95 ${figure(tick.ttft.p95)} ms`);
  return segments.filter((segment) => segment !== "");
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Three digits that matter, and never more than one after the point. */
function figure(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
}

const WIDTHS = [5, 8, 10, 10, 10, 10, 7];

const HEADER = row(["N", "for", "req/s", "tok/s", "ttft p95", "e2e p95", "failed"]);

function rowOf(rung: Rung): string {
  const p95 = (metric: Rung["e2e"]) => {
    const found = metric?.quantiles.find(({ q }) => q === 0.95);
    return found === undefined ? "–" : figure(found.value);
  };
  const tokens = rung.output_tokens_per_s;
  return row([
    String(rung.concurrency ?? "–"),
    rung.purpose,
    figure(rung.requests_per_s.value),
    tokens === null ? "–" : figure(tokens.value),
    p95(rung.ttft),
    p95(rung.e2e),
    String(rung.requests - rung.ok),
  ]);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => cell.padStart(WIDTHS[index] ?? 0)).join(" ");
}
