/** Visits on Workers, where requests end without a word to those who wait for what they began. */

import { waitUntil } from "cloudflare:workers";

import type { Visit } from "../visit.ts";

/** How often a visit shows that it is there. Workers also take a request without a timer of its own
 * for one that hangs, whoever else may be about to answer it. */
const BEAT_MS = 100;

/** Beats that a visit may miss while others beat. All share one thread, so a busy one delays all. */
const MISSED_MAX = 20;

const visits = new Set<WorkerVisit>();
let counted = 0;

export class WorkerVisit implements Visit {
  missed = 0;
  readonly #lingers: boolean;
  readonly #lookAfter: () => number;
  readonly #held = new Set<() => void>();
  readonly #work: (() => void)[] = [];
  #ring = (): void => {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `lingers`: what is begun here is for others too, and goes on when the visitor has left. `lookAfter`
   * does what timers are for, and answers when it wants to be called again, in milliseconds. */
  constructor(lingers: boolean, lookAfter: () => number) {
    visits.add(this);
    this.#lingers = lingers;
    this.#lookAfter = lookAfter;
    this.#beat();
    const served = this.#serve();
    if (lingers) waitUntil(served);
  }

  standing(): WorkerVisit {
    if (visits.has(this)) return this;
    for (const visit of visits) if (visit.#lingers) return visit;
    return this;
  }

  do(work: () => void): void {
    if (!visits.has(this)) return;
    this.#work.push(work);
    this.#ring();
  }

  hold(lost: () => void): void {
    if (visits.has(this)) this.#held.add(lost);
    // The module, which must not be entered from inside it, may be who asks.
    else queueMicrotask(lost);
  }

  release(lost: () => void): void {
    this.#held.delete(lost);
    if (this.#held.size === 0) this.#ring();
  }

  /** Its request is gone. */
  lose(): void {
    visits.delete(this);
    for (const lost of this.#held) lost();
  }

  /** Does what it is asked to. The promises are made here, so here is where they go on. */
  async #serve(): Promise<void> {
    do {
      if (this.#work.length === 0) {
        await new Promise<void>((resolve) => {
          this.#ring = resolve;
        });
      }
      for (const work of this.#work.splice(0)) work();
    } while (this.#held.size > 0 || this.#work.length > 0);
    clearTimeout(this.#timer);
    visits.delete(this);
  }

  /** Timers of requests that have ended never fire, so each visit looks after everybody's. */
  #beat(millis = BEAT_MS): void {
    this.missed = 0;
    this.#timer = setTimeout(() => {
      count();
      this.#beat(Math.min(BEAT_MS, this.#lookAfter()));
    }, millis);
  }
}

/** Counts a beat that everybody should have made since the last one. */
function count(): void {
  const now = performance.now();
  if (now - counted < BEAT_MS) return;
  counted = now;
  for (const visit of visits) {
    visit.missed += 1;
    if (visit.missed > MISSED_MAX) visit.lose();
  }
}
