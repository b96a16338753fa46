/** Where results go: files, or standard output for one of them. */

import { accessSync, constants, createWriteStream, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { finished } from "node:stream/promises";

import {
  csvHeader,
  csvRow,
  FORMATS,
  METRICS,
  type MetricName,
  renderHdr,
  renderReport,
  type Report,
  type ReportFormat,
  type Sample,
} from "../bench/index.ts";
import { type Given, STDOUT } from "./flags.ts";
import { FileError, reasonOf, UsageError } from "./words.ts";

/** What a report becomes, by flag. */
type Form = ReportFormat | "hdr";

const FORMS: readonly Form[] = [...FORMATS, "hdr"];

export class Outputs {
  readonly #reports: { form: Form; file: string }[] = [];
  readonly #requests: { form: "csv" | "jsonl"; file: string; stream: NodeJS.WritableStream }[] = [];
  readonly #metric: MetricName;
  /** Whether standard output is taken by one of the files. */
  readonly #isPiped: boolean;

  /** `perRequest`: whether CSV and JSON lines are of requests, or of rungs. */
  constructor(flags: Given, perRequest: boolean) {
    const metric = (flags.value("metric") ?? "e2e") as MetricName;
    if (!METRICS.includes(metric)) {
      throw new UsageError(`--metric: expected one of ${METRICS.join(", ")}, found "${metric}"`);
    }
    this.#metric = metric;
    const piped = FORMS.filter((form) => flags.value(form) === STDOUT);
    if (piped.length > 1) {
      throw new UsageError(`--${piped.join(" - and --")} -: standard output holds one of them`);
    }
    this.#isPiped = piped.length > 0;
    const taken = new Map<string, Form>();
    for (const form of FORMS) {
      const file = flags.value(form);
      if (file === undefined) continue;
      checkWritable(`--${form}`, file);
      const other = taken.get(resolve(file));
      if (other !== undefined) throw new UsageError(`--${other} and --${form}: ${file} holds one of them`);
      taken.set(resolve(file), form);
      if (perRequest && (form === "csv" || form === "jsonl")) {
        const stream = opened(file);
        if (form === "csv") stream.write(`${csvHeader()}\n`);
        this.#requests.push({ form, file, stream });
      } else {
        this.#reports.push({ form, file });
      }
    }
  }

  /** Whether a report goes anywhere but to the screen. */
  get isAsked(): boolean {
    return this.#reports.length > 0;
  }

  /** Takes requests as they end; nothing where nobody wants them. */
  get onSample(): ((sample: Sample, measured: boolean) => void) | undefined {
    if (this.#requests.length === 0) return undefined;
    return (sample, measured) => {
      if (!measured) return;
      for (const { form, stream } of this.#requests) {
        stream.write(`${form === "csv" ? csvRow(sample) : JSON.stringify(sample)}\n`);
      }
    };
  }

  /** Writes everything that was asked for, and shows the text unless standard output is taken. */
  async write(report: Report): Promise<void> {
    try {
      await this.writeFiles(report);
    } finally {
      // What a run has cost is shown, even if it cannot be kept.
      if (!this.#isPiped) await put(STDOUT, renderReport(report, "text"));
    }
  }

  /** Writes what was asked for, and nothing else. */
  async writeFiles(report: Report): Promise<void> {
    for (const { form, file } of this.#reports) await put(file, await this.#rendered(report, form));
    for (const { file, stream } of this.#requests) await ended(file, stream);
  }

  async #rendered(report: Report, form: Form): Promise<string> {
    const metric = this.#metric;
    if (form === "hdr") {
      return `${Buffer.from(await renderHdr(report, { metric })).toString("base64")}\n`;
    }
    const text = renderReport(report, form, { metric });
    return text.endsWith("\n") ? text : `${text}\n`;
  }
}

/** Writes a text to a file or to standard output. */
export async function put(file: string, text: string): Promise<void> {
  if (file === STDOUT) {
    await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
    return;
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new FileError(`${file} cannot be written: ${reasonOf(error)}`);
  }
}

/** Finds out before a long run that its result could not be kept. */
export function checkWritable(flag: string, file: string): void {
  if (file === STDOUT) return;
  if (file === "") throw new UsageError(`${flag}: the file's name is empty`);
  try {
    const known = statSync(file, { throwIfNoEntry: false });
    if (known?.isDirectory()) throw new Error("it is a folder");
    accessSync(known === undefined ? dirname(file) : file, constants.W_OK);
  } catch (error) {
    throw new FileError(`${flag}: ${file} cannot be written: ${reasonOf(error)}`);
  }
}

function opened(file: string): NodeJS.WritableStream {
  if (file === STDOUT) return process.stdout;
  // Told at the end: until then a run is worth more than its file.
  return createWriteStream(file).on("error", () => {});
}

async function ended(file: string, stream: NodeJS.WritableStream): Promise<void> {
  if (stream === process.stdout) return;
  stream.end();
  try {
    await finished(stream);
  } catch (error) {
    throw new FileError(`${file} cannot be written: ${reasonOf(error)}`);
  }
}
