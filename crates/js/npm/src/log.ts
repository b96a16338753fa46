/** What a client says to its user's logger. Keys are never part of it. */

import { runtime } from "#runtime";
import { tellHook } from "./hook.ts";
import { type AttemptEvent, type ClientOptions, LOG_LEVELS, type Logger, type LogLevel } from "./options.ts";
import type { AttemptTiming, CallRecord } from "./record.ts";

/** Calls are retried in droves or not at all: one line in so many milliseconds is enough. */
const RETRIES_EVERY_MS = 1000;

/** A client's side of the log. */
export interface Log {
  /** How much is wanted. */
  readonly level: LogLevel;
  /** Says that something is not as its user thinks. */
  warn(message: string): void;
  /** Tells of a call that took several attempts. */
  retried(record: CallRecord): void;
  /** Tells of each attempt; missing where nobody wants to know. */
  readonly attempted: ((attempt: AttemptEvent) => void) | undefined;
}

/** The log that these options ask for. */
export function loggerOf({ logger = console, logLevel }: ClientOptions, baseURL: string): Log {
  const level =
    logLevel ??
    levelOf(runtime.variable("OPENAI_LOG"), "process.env['OPENAI_LOG']", logger) ??
    "warn";
  const wants = (least: LogLevel): boolean => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
  const warn = (message: string): void => {
    if (wants("warn")) warning(logger, message);
  };
  let toldAt = -Infinity;
  let untold = 0;
  return {
    level,
    warn,
    retried(record) {
      untold += 1;
      const now = performance.now();
      if (!wants("warn") || now - toldAt < RETRIES_EVERY_MS) return;
      const retried = outcomeOf(record.attempt(record.attempts - 2));
      const others = untold > 1 ? `; ${untold - 1} more since the last such line` : "";
      warn(
        `kneepoint: a call to ${baseURL} took ${record.attempts} attempts (${retried})${others}`,
      );
      toldAt = now;
      untold = 0;
    },
    attempted: wants("info")
      ? (attempt) => {
          logger.info(lineOf(attempt));
          if (wants("debug")) logger.debug("kneepoint: attempt", attempt);
        }
      : undefined,
  };
}

/** What a logger throws must not reach the call that it is told of. */
function warning(logger: Logger, message: string): void {
  tellHook((words) => logger.warn(words), message);
}

/** The level of this name; none, and a word about it, where there is no such level. */
export function levelOf(said: unknown, where: string, logger: Logger): LogLevel | undefined {
  if (!said) return undefined;
  const level = LOG_LEVELS.find((one) => one === said);
  if (level === undefined) {
    // Worded as OpenAI's SDK words it, so that whoever looks for that line finds this one.
    const levels = JSON.stringify(LOG_LEVELS);
    warning(logger, `${where} was set to ${JSON.stringify(said)}, expected one of ${levels}`);
  }
  return level;
}

/** What came of an attempt, in a word or as the status that says it. */
function outcomeOf({ error, status }: AttemptTiming): string | number {
  const kind = error === "status" ? status : error;
  return kind ?? status ?? "no answer";
}

/** An attempt in one line. */
function lineOf(event: AttemptEvent): string {
  const { attempt, start, end } = event;
  const took = Math.round((end ?? start) - start);
  return `kneepoint: attempt ${attempt} at ${event["server.address"]}: ${outcomeOf(event)} after ${took} ms`;
}
