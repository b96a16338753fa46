/**
 * The root of the family of errors. It knows nothing of the wasm module, so that parts of the package
 * that do without it can say what they refuse in the same words.
 */

/** What went wrong, in one word. */
export type ErrorKind =
  | "config"
  | "aborted"
  | "timeout"
  | "queue_full"
  | "paused"
  | "network"
  | "opaque"
  | "status"
  | "in_band"
  | "answer"
  | "stream"
  | "truncated"
  | "too_long"
  | "interrupted"
  | "poisoned"
  | "module"
  | "disposed";

/** Where a call stood when it failed. */
export type Phase = "queue" | "connect" | "headers" | "body" | "stream";

/** What is known of a failure. All of it may be missing. */
export interface Failure {
  kind?: ErrorKind | undefined;
  /** Where the call stood. */
  phase?: Phase | undefined;
  /** Attempts that were sent. */
  attempts?: number | undefined;
  /** Whether the same call may succeed later. */
  retryable?: boolean | undefined;
  /** Whether a retry was due and too many calls were failing at once. */
  retryBudgetExhausted?: boolean | undefined;
  /** Milliseconds that the server asked to wait. */
  retryAfter?: number | undefined;
  /** The text that a stream had delivered before it broke. */
  partial?: string | undefined;
  /** The option that was found wanting, or the clock that ran out. */
  option?: string | undefined;
  message?: string | undefined;
  cause?: unknown;
}

/** What marks the errors of this family, whichever copy of its root made them: `kneepoint/bench` has one of
 * its own. */
const FAMILY = Symbol.for("kneepoint.error");

/** What every failed call throws. Known as `OpenAIError` too. */
export class KneepointError extends Error {
  /** What went wrong, in one word. */
  readonly kind: ErrorKind;
  /** Where the call stood. */
  readonly phase?: Phase;
  /** Attempts that were sent. */
  readonly attempts: number;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  /** Whether a retry was due but too many calls were failing at once. */
  readonly retryBudgetExhausted: boolean;
  /** Milliseconds that the server asked to wait. */
  readonly retryAfter?: number;
  /** The text that a stream had delivered before it broke. */
  readonly partial?: string;
  /** The option that was found wanting, or the clock that ran out. */
  readonly option?: string;

  static override [Symbol.hasInstance](value: unknown): boolean {
    // Bundlers rename classes that name themselves inside.
    if (Object.hasOwn(this.prototype, FAMILY)) return isObject(value) && FAMILY in value;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }

  /** @internal */
  get [FAMILY](): true {
    return true;
  }

  constructor(message?: string, failure: Failure = {}) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.kind = failure.kind ?? "config";
    this.attempts = failure.attempts ?? 0;
    this.retryable = failure.retryable ?? false;
    this.retryBudgetExhausted = failure.retryBudgetExhausted ?? false;
    explain(this, failure);
  }
}

/** Adds what is known to an error. */
export function explain(error: KneepointError, failure: Failure): void {
  const { phase, retryAfter, partial, option, attempts, retryable, retryBudgetExhausted } = failure;
  const known = { phase, retryAfter, partial, option, attempts, retryable, retryBudgetExhausted };
  for (const [name, value] of Object.entries(known)) {
    if (value !== undefined) Object.assign(error, { [name]: value });
  }
  if (failure.kind !== undefined) Object.assign(error, { kind: failure.kind });
  if (failure.message !== undefined) error.message = failure.message;
}

/** What is wrong with an option. */
export function refuse(option: string, found: string, expected: string): KneepointError {
  return new KneepointError(`${option}: found ${found}, expected ${expected}`, {
    kind: "config",
    phase: "queue",
    option,
  });
}

/** Whether it has fields, also where it comes from another realm, whose `Object` is another one: a window
 * beside this one, or the context in which a test runs. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What was found in place of what was expected. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  // A map and the like have no values under their names.
  if (isObject(value) && Symbol.iterator in value) return `a ${Object.prototype.toString.call(value).slice(8, -1)}`;
  return typeof value === "number" ? String(value) : withArticle(typeof value);
}

/** The name of a kind as it stands in a sentence. */
export function withArticle(kind: string): string {
  return `${kind === "object" ? "an" : "a"} ${kind}`;
}

/** Refuses what has not all of these functions. */
export function checkMethods(option: string, object: unknown, expected: string, ...names: string[]): void {
  const methods = object as Record<string, unknown> | null | undefined;
  const missing = names.filter((name) => typeof methods?.[name] !== "function");
  if (missing.length === 0) return;
  throw refuse(option, isObject(object) ? `no ${missing.join(" and no ")} in it` : kindOf(object), expected);
}
