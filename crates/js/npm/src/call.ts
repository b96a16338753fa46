/** Those who wait for a call's outcome: one for whole answers, one for streams. */

import * as core from "#core";
import type { Crowd, Member } from "./crowd.ts";
import { cancel, count, tell } from "./engine.ts";
import { APIUserAbortError, errorOf, type Told } from "./errors.ts";
import { explain, type Phase } from "./failure.ts";
import { isSignal, listen, unlisten } from "./leave.ts";
import { CallRecord } from "./record.ts";
import { type Reply, textOf } from "./reply.ts";
import type { BodyLike, Sender } from "./transport/transport.ts";
import type { Visit } from "./visit.ts";

/** What the module read in an answer. */
export interface Answer {
  /** The text; empty where there is none, as in calls of tools. */
  text: string;
  /** The server's name for the answer. */
  id?: string;
  /** The model that answered, as the server calls it. */
  model?: string;
  /** What the model thought before it answered, where the server tells. */
  reasoning?: string;
  /** What the model said in place of an answer. */
  refusal?: string;
  /** Why it ended, in the server's word. */
  finishReason?: string;
  /** The tools that the model asks for. */
  toolCalls: ToolCall[];
}

/** A call of a tool that the model asks for. */
export interface ToolCall {
  id?: string;
  name?: string;
  /** JSON as the model wrote it, which need not be valid. */
  arguments: string;
  /** What the server wants back as the call's `extra_content` in the next turn: Gemini's signature of its thoughts. */
  extraContent?: unknown;
}

/** A whole answer. */
export class Outcome {
  readonly reply: Reply | undefined;
  readonly answer: Answer | undefined;
  readonly record: CallRecord;
  readonly #body: string | undefined;

  constructor(
    reply: Reply | undefined,
    body: string | undefined,
    answer: Answer | undefined,
    record: CallRecord,
  ) {
    this.reply = reply;
    this.answer = answer;
    this.record = record;
    this.#body = body;
  }

  /** The body as JSON. */
  get json(): unknown {
    return this.reply?.json ?? JSON.parse(this.text);
  }

  /** The body's text. */
  get text(): string {
    return this.#body ?? (this.reply === undefined ? "" : textOf(this.reply));
  }
}

/** Who keeps an eye on calls under way. */
export interface Home {
  readonly waiting: Crowd<Waiter>;
  /** A call is over; nothing is known of one that was given up. */
  settled(record: CallRecord | undefined, visit: Visit | undefined): void;
}

/** What both kinds have in common: a task in the module, and somebody who may take it back. */
export abstract class Waiter implements Member, Sender {
  place = 0;
  #home: Home | undefined;
  /** What is sent; the module does not carry it around. */
  body: BodyLike | undefined;
  /** What the call's caller hands to `fetch`. */
  fetchOptions: Readonly<Record<string, unknown>> | undefined;
  /** The code of what the platform threw, the last time that it did. */
  trouble: string | undefined;
  attempts = 0;
  phase: Phase = "queue";
  /** Where it was made. */
  visit: Visit | undefined;
  #task: number | undefined;
  #isOver = false;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.abort();

  constructor(signal: AbortSignal | null | undefined) {
    this.#signal = isSignal(signal) ? signal : undefined;
    if (this.#signal !== undefined && !this.#signal.aborted) listen(this.#signal, this.#onAbort);
  }

  /** Whether it was taken back before it began. */
  get isUnwanted(): boolean {
    return this.#signal?.aborted === true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** It is under way, beside others. */
  join(home: Home, visit: Visit | undefined): void {
    this.#home = home;
    home.waiting.add(this);
    count(1, 0);
    this.visit = visit;
    visit?.hold(this.#onAbort);
  }

  /** The module has begun to work on it. */
  began(task: number): void {
    if (!this.#isOver) this.#task = task;
  }

  /** The module's instance is gone; in another one the task's place is somebody else's. */
  forgotten(): void {
    this.#task = undefined;
  }

  /** Lets the module look again whether something is wanted. */
  protected wake(): void {
    const task = this.#task;
    if (task !== undefined) tell(() => core.wake(task));
  }

  /** Takes the call back. */
  abort(): void {
    if (this.#isOver) return;
    const task = this.#task;
    this.fail(abortion(this.#signal, this));
    if (task !== undefined) cancel(task);
  }

  /** The module says how it failed. */
  failed(told: Told, times?: Float64Array, errors?: string): void {
    const isKnown = times !== undefined && times.length > 0;
    this.fail(errorOf(told, this.trouble), isKnown ? new CallRecord(times, errors) : undefined);
  }

  /** Ends it with this error, unless it is over. */
  fail(error: Error, record?: CallRecord): void {
    if (this.#isOver) return;
    this.over(record);
    this.reject(error);
  }

  /** It is over: nobody waits for it any more. */
  protected over(record?: CallRecord): void {
    if (this.#home !== undefined) count(-1, 0);
    this.#isOver = true;
    this.#task = undefined;
    this.#home?.waiting.delete(this);
    this.#home?.settled(record, this.visit);
    this.visit?.release(this.#onAbort);
    if (this.#signal !== undefined) unlisten(this.#signal, this.#onAbort);
  }

  /** Settles with the call, or once it has begun to be answered. */
  abstract get outcome(): Promise<unknown>;

  protected abstract reject(error: Error): void;
}

/** What a call fails with that its user took back: the signal's reason is its cause. */
function abortion(signal: AbortSignal | undefined, { attempts, phase }: Sender): APIUserAbortError {
  const error = new APIUserAbortError();
  explain(error, { attempts, phase });
  if (!signal?.aborted) return error;
  // As `new Error` makes it, so that whoever lists an error's fields does not meet it.
  return Object.defineProperty(error, "cause", { value: signal.reason as unknown, writable: true, configurable: true });
}

/** Waits for a whole answer. */
export class Call extends Waiter {
  readonly promise: Promise<Outcome>;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: Error) => void;

  constructor(signal?: AbortSignal | null) {
    super(signal);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  reply(
    reply: Reply | undefined,
    body: string | undefined,
    answer: Answer | undefined,
    times: Float64Array,
    errors: string | undefined,
  ): void {
    if (this.isOver) return;
    const record = new CallRecord(times, errors);
    this.over(record);
    this.#resolve(new Outcome(reply, body, answer, record));
  }

  override get outcome(): Promise<Outcome> {
    return this.promise;
  }

  protected override reject(error: Error): void {
    this.#reject(error);
  }
}

/** What a stream says beside its text. */
export type Delta =
  | { kind: "begin"; id?: string; model?: string }
  | { kind: "text"; choice: number; text: string }
  | { kind: "reasoning"; choice: number; text: string }
  | { kind: "refusal"; choice: number; text: string }
  | {
      kind: "tool_call";
      choice: number;
      index: number;
      id?: string;
      name?: string;
      arguments: string;
      extraContent?: unknown;
    }
  | { kind: "finish"; choice: number; reason: string }
  | { kind: "other" };

/** A piece of a stream: everything that came in one chunk of the network. */
export interface Piece {
  /** Text, or the data of events between commas. */
  text: string;
  deltas: Delta[] | undefined;
}

/** Pieces that are decoded ahead of whoever reads them: one, so that the next chunk is asked for
 * while they work on the last. */
const AHEAD_MAX = 1;

/** Who waits for the next piece: it, the end, or an error. */
type Taker = (piece: Piece | undefined, error: Error | undefined) => void;

/** Waits for the pieces of a stream, one at a time. */
export class StreamCall extends Waiter {
  /** The head of the reply, once there is content. */
  readonly begin: Promise<Reply | undefined>;
  record: CallRecord | undefined;
  /** Whether somebody wants the body's bytes as they came. */
  keepsBytes = false;
  /** Whether the cache is asked for it. */
  asksCache = false;
  #reply: Reply | undefined;
  #resolveBegin!: (reply: Reply | undefined) => void;
  #rejectBegin!: (error: Error) => void;
  #taker: Taker | undefined;
  /** Who waits behind them, where somebody asked for several pieces at once. */
  #others: Taker[] | undefined;
  #kept: Piece[] = [];
  #error: Error | undefined;
  /** Whether anybody has begun to read. */
  #isRead = false;
  /** Whether the module waits to be told that a piece is wanted. */
  #isParked = false;

  constructor(signal?: AbortSignal | null) {
    super(signal);
    this.begin = new Promise((resolve, reject) => {
      this.#resolveBegin = resolve;
      this.#rejectBegin = reject;
    });
    // Whoever reads on hears of it too; nobody need look at both.
    this.begin.catch(() => {});
  }

  begun(reply: Reply | undefined): void {
    this.#reply = reply;
    this.phase = "stream";
    this.#resolveBegin(reply);
  }

  wanted(): boolean {
    this.#park(!this.#isRead || this.#kept.length >= AHEAD_MAX);
    return !this.#isParked;
  }

  #park(isParked: boolean): void {
    if (isParked !== this.#isParked) count(0, isParked ? 1 : -1);
    this.#isParked = isParked;
  }

  piece(text: string, deltas: Delta[] | undefined): boolean {
    if (!this.keepsBytes) while (this.#reply?.chunks.pop() !== undefined) {}
    const piece = { text, deltas };
    if (this.#taker === undefined) this.#kept.push(piece);
    else this.#answer(piece, undefined);
    return this.wanted();
  }

  ended(times: Float64Array, errors: string | undefined): void {
    if (this.isOver) return;
    this.over(new CallRecord(times, errors));
    this.#answer(undefined, undefined);
  }

  protected override over(record?: CallRecord): void {
    this.record = record;
    this.#park(false);
    super.over(record);
  }

  /** Calls back with the next piece, or with neither it nor an error after the end. Those who ask
   * while one waits are served in turn. */
  take(taker: Taker): void {
    if (this.#taker !== undefined) {
      (this.#others ??= []).push(taker);
      return;
    }
    this.#isRead = true;
    const piece = this.#kept.shift();
    if (piece !== undefined) {
      taker(piece, undefined);
      if (this.#isParked) this.wake();
      this.#proceed();
    } else if (this.isOver) {
      const error = this.#error;
      this.#error = undefined;
      taker(undefined, error);
      this.#proceed();
    } else {
      this.#taker = taker;
      if (this.#isParked) this.wake();
    }
  }

  /** The next piece; `undefined` after the end. */
  next(): Promise<Piece | undefined> {
    return new Promise((resolve, reject) => {
      this.take((piece, error) => (error === undefined ? resolve(piece) : reject(error)));
    });
  }

  #answer(piece: Piece | undefined, error: Error | undefined): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.(piece, error);
    this.#proceed();
  }

  /** Lets the next one ask. Who has got nothing yet may have asked again, and keeps the place in front. */
  #proceed(): void {
    if (this.#taker !== undefined) return;
    const next = this.#others?.shift();
    if (next !== undefined) this.take(next);
  }

  override get outcome(): Promise<Reply | undefined> {
    return this.begin;
  }

  protected override reject(error: Error): void {
    this.#rejectBegin(error);
    // The module fails only readers who have all that came. Who takes a call back wants nothing more,
    // and platforms give up what a body holds then, too.
    this.#kept = [];
    if (this.#taker === undefined) this.#error = error;
    else this.#answer(undefined, error);
  }
}
