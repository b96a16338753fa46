/**
 * Who leaves when a signal says so.
 *
 * One listener serves all calls of a signal: thousands of them may share one, and platforms warn of
 * a leak when more than ten listen.
 */

const leaving = new WeakMap<AbortSignal, Leaving>();

interface Leaving {
  readonly all: Set<() => void>;
  readonly listener: () => void;
}

/** Whether it can be listened to as a signal can. */
export function isSignal(value: unknown): value is AbortSignal {
  return typeof (value as AbortSignal | null | undefined)?.addEventListener === "function";
}

/** Calls `then` when the signal is aborted, until {@link unlisten}. */
export function listen(signal: AbortSignal, then: () => void): void {
  let known = leaving.get(signal);
  if (known === undefined) {
    const all = new Set<() => void>();
    known = { all, listener: () => [...all].forEach((one) => one()) };
    leaving.set(signal, known);
  }
  if (known.all.size === 0) signal.addEventListener("abort", known.listener, { once: true });
  known.all.add(then);
}

/** And no longer. */
export function unlisten(signal: AbortSignal, then: () => void): void {
  const known = leaving.get(signal);
  if (known?.all.delete(then) && known.all.size === 0) signal.removeEventListener("abort", known.listener);
}
