/**
 * The one instance of the wasm module, and what happens when it traps.
 *
 * Everything that enters the module goes through {@link enter}. A trap leaves the module's memory in
 * no known state, so the instance is thrown away: every call under way fails as poisoned, and the
 * next one finds a fresh instance.
 */

import * as core from "#core";
import { runtime } from "#runtime";
import { KneepointError } from "./failure.ts";
import type { ModuleSource } from "./runtime/source.ts";

/** What outlives calls and holds things of the instance. */
export interface Resident {
  /** Lets go of everything, and runs nothing of the program's. It answers what fails that which was under way
   * with `error`: programs hear of it and may begin anew, for which all must have let go. */
  reset(error: KneepointError): () => void;
}

/** The longest time that the platform's timers hold, in milliseconds; with a longer one they fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Where a timer is later than this, the process was busy or stood still, */
const LATE_MS = 50;

/** and takes so long to read what came meanwhile: not all of that is done in one round of the event loop. */
const READING_MS = 40;

/** Weak, where they can be. */
interface Reference {
  deref(): Resident | undefined;
}

const residents = new Set<Reference>();
/** Platforms have this and weak references, or neither: Workers with a `compatibility_date` before 2025-05-05. */
const gone =
  typeof WeakRef === "undefined"
    ? undefined
    : new FinalizationRegistry<Reference>((reference) => residents.delete(reference));
let generation = 0;
let isReady = false;
let loading: Promise<void> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
/** When it is to fire, by the module's clock. */
let due = Infinity;

/** Calls under way, and those among them that nobody waits for: streams that nobody reads on. */
let underWay = 0;
let unread = 0;

/** Whether a process must stay for the timer. */
const isAwaited = (): boolean => unread === 0 || unread < underWay;

/** What the module asks of the runtime. */
const host = {
  now: () => performance.now(),
  alarm(millis: number) {
    clearTimeout(timer);
    timer = undefined;
    due = millis >= 0 ? performance.now() + millis : Infinity;
    if (millis >= 0) set(tick, millis);
  },
  turn() {
    runtime.turn(turned);
  },
};

/** Notes so many more calls under way, and so many more of them that nobody waits for. */
export function count(calls: number, streams: number): void {
  const before = isAwaited();
  underWay += calls;
  unread += streams;
  if (isAwaited() !== before) hold(!before);
}

/** Keeps the process alive for the timer, or no longer, on platforms whose timers do that. */
function hold(isHeld: boolean): void {
  (timer as { ref?(): void; unref?(): void } | undefined)?.[isHeld ? "ref" : "unref"]?.();
}

function set(then: () => void, millis: number): void {
  timer = setTimeout(then, Math.min(Math.ceil(millis), TIMER_MS_MAX));
  if (!isAwaited()) hold(false);
}

/** The timer has fired. Event loops look at timers before they read: where it is late, answers that came in
 * time would be found too late. */
function tick(): void {
  if (performance.now() - due > LATE_MS) set(ring, READING_MS);
  else ring();
}

/** Tells the module which deadlines are over. It says anew when it wants to be told again, if it does. */
function ring(): void {
  due = Infinity;
  tell(core.tick);
}

/** Tells the module that the event loop has gone round. */
function turned(): void {
  tell(core.turned);
}

/** Does what timers do, where they may never fire; answers in how many milliseconds the module wants to
 * be woken. */
export function lookAfter(): number {
  ring();
  turned();
  return Math.max(0, Math.ceil(due - performance.now()));
}

/** Compiles the module, unless that is done. With a source of one's own where the default fails. */
export function ready(source?: ModuleSource | Promise<ModuleSource>): Promise<void> {
  if (isReady) return Promise.resolve();
  loading ??= load(source).catch((error: unknown) => {
    loading = undefined;
    const advice = source === undefined ? "; where a bundle left it behind, ready() takes its bytes or its address" : "";
    // What browsers say of it names only the word that allows far more.
    const isRefused = error instanceof Error && error.name === "CompileError";
    const policy = isRefused ? "; where the page has a Content-Security-Policy, its script-src needs 'wasm-unsafe-eval'" : "";
    throw new KneepointError(`the wasm module could not be loaded: ${String(error)}${advice}${policy}`, {
      kind: "module",
      cause: error,
    });
  });
  return loading;
}

async function load(source?: ModuleSource | Promise<ModuleSource>): Promise<void> {
  await core.default({ module_or_path: await (source ?? runtime.module()) });
  begin();
}

/** Compiles the module without waiting, where the runtime can; answers whether it is ready. */
export function readyNow(): boolean {
  if (!isReady && loading === undefined && runtime.moduleNow !== undefined) {
    try {
      core.initSync({ module: runtime.moduleNow() });
      begin();
    } catch {
      // A bundle may have left it behind. {@link ready} says so, and can be told where it is.
      return false;
    }
  }
  return isReady;
}

function begin(): void {
  core.start(host);
  isReady = true;
}

/** Which instance it is: objects of another one are gone. */
export function instance(): number {
  return generation;
}

/** Enters the module and answers what it answers. What it refuses comes as a plain object. `of`: which
 * instance has what the work needs. */
export function enter<T>(work: () => T, of = generation): T {
  if (of !== generation) throw fault();
  try {
    return work();
  } catch (error) {
    // An error that came through the module, whatever it is, left it in the middle of something.
    if (error instanceof Error) throw poison(error);
    throw error;
  }
}

let isProceeding = false;

/** Takes a task back. What waited for it goes on only when the program has done what it is at, which may
 * be to take back many more. */
export function cancel(task: number): void {
  tell(() => core.cancel(task));
  if (isProceeding) return;
  isProceeding = true;
  queueMicrotask(() => {
    isProceeding = false;
    tell(core.proceed);
  });
}

/** Enters the module with news. Whoever waits for what follows hears of a trap by themselves. */
export function tell(work: () => void): void {
  try {
    work();
  } catch (error) {
    poison(error);
  }
}

function fault(cause?: unknown): KneepointError {
  const message = "a fault inside kneepoint ended this call; the next one starts afresh. Please report it.";
  return new KneepointError(message, { kind: "poisoned", cause });
}

function poison(cause: unknown): KneepointError {
  const error = fault(cause);
  host.alarm(-1);
  generation += 1;
  core.__wbg_reset_state();
  core.start(host);
  const told = Array.from(residents, (reference) => reference.deref()?.reset(error));
  for (const tell of told) tell?.();
  return error;
}

/** Notes who holds things of the instance for longer than a call, to be let go with it, until the function
 * that it answers is called, or nobody else knows of them. */
export function settle(resident: Resident): () => void {
  const reference = gone === undefined ? { deref: () => resident } : new WeakRef(resident);
  residents.add(reference);
  gone?.register(resident, reference);
  return () => void residents.delete(reference);
}
