/** How many connections to an origin may be opening at once. */

/** Of those that have only just been begun: as many as are open already, and within these bounds. A server that
 * answers fast is then served by a few, and one that is slow soon has its thousand. */
const RECENT_MIN = 8;
const RECENT_MAX = 64;

/** How long that is, in milliseconds: a server takes them off its queue in less, and what takes longer is the way
 * there, which more of them do not make longer. */
const RECENT_MS = 10;

/** Altogether. */
const OPENING_MAX = 256;

export class Openings {
  /** Connections that are opening. */
  count = 0;
  #recent = 0;
  readonly #room: () => void;

  /** `room` is called where there may be room that time alone has made. */
  constructor(room: () => void) {
    this.#room = room;
  }

  /** One more is opening, until the function that comes back is called for the first time. */
  begin(): () => void {
    this.count += 1;
    this.#recent += 1;
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(() => {
      timer = undefined;
      this.#recent -= 1;
      this.#room();
    }, RECENT_MS);
    timer.unref();
    let isOpening = true;
    return () => {
      if (!isOpening) return;
      isOpening = false;
      this.count -= 1;
      if (timer === undefined) return;
      clearTimeout(timer);
      this.#recent -= 1;
    };
  }

  /** Whether one more may be, where so many are open. */
  hasRoom(open: number): boolean {
    return this.#recent < batchOf(open) && this.count < OPENING_MAX;
  }
}

/** How many may be begun together, where so many are open. */
export function batchOf(open: number): number {
  return Math.min(Math.max(open, RECENT_MIN), RECENT_MAX);
}
