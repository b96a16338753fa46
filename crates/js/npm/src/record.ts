/** What is known of a call once it is over. The module hands it over as numbers; they are taken
 * apart only when somebody looks. */

/** One attempt. Times are milliseconds since the call was made. */
export interface AttemptTiming {
  /** When it was handed to the transport. */
  start: number;
  /** When the head of the reply was there. */
  headers?: number;
  /** When the first content was there. */
  firstToken?: number;
  /** When the first visible content was there; reasoning does not count. */
  firstVisible?: number;
  /** When the last content was there. */
  lastToken?: number;
  /** When it was over. */
  end?: number;
  /** The HTTP status. */
  status?: number;
  /** Milliseconds that the server asked to wait. */
  retryAfter?: number;
  /** Attempts in flight when it was sent, itself included. */
  inFlight: number;
  /** Bytes of the body. */
  bytes: number;
  /** Events with content. */
  chunks: number;
  /** Whether it raced an attempt that was slow to answer. */
  hedge: boolean;
  /** The kind of its failure. */
  error?: string;
}

/** A call's times, in milliseconds. */
export interface Timing {
  /** Waiting for a turn, over all attempts. */
  queued: number;
  /** From the call to its outcome. */
  total: number;
  /** What the cache had to do with it: it was not asked, it did not have the answer, it had it or was just being
   * given it, or an equal call was in flight whose answer served this one too. */
  cache: "bypass" | "miss" | "hit" | "shared";
  /** Whether the connection had served before; missing where the platform does not tell. */
  reused?: boolean;
  /** The attempts, in the order in which they were sent. */
  attempts: AttemptTiming[];
}

/** Tokens that a call used, as the provider counts them. */
export interface Usage {
  inputTokens?: number;
  outputTokens?: number;
  /** Tokens of the prompt that came from the provider's cache. */
  cachedTokens?: number;
  /** Tokens of the prompt that were written to it. */
  cacheWrittenTokens?: number;
  /** Tokens of the answer that were reasoning. */
  reasoningTokens?: number;
}

const USAGE = [
  "inputTokens",
  "outputTokens",
  "cachedTokens",
  "cacheWrittenTokens",
  "reasoningTokens",
] as const;

const ATTEMPT = [
  "start",
  "headers",
  "firstToken",
  "firstVisible",
  "lastToken",
  "end",
  "status",
  "retryAfter",
  "inFlight",
  "bytes",
  "chunks",
  "hedge",
] as const;

const CACHE = ["bypass", "miss", "hit", "shared"] as const;

/** Numbers before those of usage, and before those of the attempts. */
const USAGE_AT = 3;
const ATTEMPTS_AT = USAGE_AT + USAGE.length;

export class CallRecord {
  readonly #times: number[] = [];
  readonly #errors: string | undefined;

  /** Of what the module hands over; `times` lies in its memory and is copied. */
  constructor(times: Float64Array, errors: string | undefined) {
    // An array of its own kind for so few numbers costs more than all the rest of it.
    for (let i = 0; i < times.length; i += 1) this.#times.push(times[i] as number);
    this.#errors = errors;
  }

  get usage(): Usage | undefined {
    const usage: Usage = {};
    for (const [i, name] of USAGE.entries()) {
      const count = this.#times[USAGE_AT + i] as number;
      if (!Number.isNaN(count)) usage[name] = count;
    }
    return Object.keys(usage).length > 0 ? usage : undefined;
  }

  /** How many there were. */
  get attempts(): number {
    return Math.floor((this.#times.length - ATTEMPTS_AT) / ATTEMPT.length);
  }

  timing(reused?: boolean): Timing {
    const count = this.attempts;
    return {
      queued: this.#times[0] ?? 0,
      total: this.#times[1] ?? 0,
      cache: CACHE[this.#times[2] ?? 0] ?? "bypass",
      ...(reused === undefined ? {} : { reused }),
      attempts: Array.from({ length: count }, (_, i) => this.attempt(i)),
    };
  }

  attempt(index: number): AttemptTiming {
    const attempt: Record<string, number | string | boolean> = {};
    for (const [i, name] of ATTEMPT.entries()) {
      const value = this.#times[ATTEMPTS_AT + index * ATTEMPT.length + i] as number;
      if (!Number.isNaN(value)) attempt[name] = name === "hedge" ? value === 1 : value;
    }
    const error = this.#errors?.split("\n")[index];
    if (error) attempt["error"] = error;
    return attempt as unknown as AttemptTiming;
  }
}
