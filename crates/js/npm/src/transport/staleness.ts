/** Which idle connections are not to be trusted: those that their server may have closed, word of which is still
 * on its way. */

/** A connection that was idle for less, in milliseconds, was lost for another reason. */
const IDLE_LEAST_MS = 100;

/** Servers close what has been idle for as long as this one, and perhaps not much less. */
const SHARE = 0.5;

/** A server that is reached by another road, or has started anew, closes them otherwise: after so many
 * milliseconds they are trusted again. */
const MEMORY_MS = 60_000;

/** What an origin's lost connections tell of its idle ones. */
export class Staleness {
  /** What has been idle for as long, in milliseconds, is not used again, */
  #idle = Infinity;
  /** until then. */
  #until = -Infinity;

  /** A request was lost without a word, on a connection that had been idle for so long before. */
  lost(idle: number, now: number): void {
    if (idle < IDLE_LEAST_MS) return;
    this.#idle = Math.min(now < this.#until ? this.#idle : Infinity, SHARE * idle);
    this.#until = now + MEMORY_MS;
  }

  /** Whether a connection that has been idle for so long is not to be used. */
  covers(idle: number, now: number): boolean {
    return idle >= this.#idle && now < this.#until;
  }
}
