/** Where a call was made, on platforms where that matters. */

/**
 * The request of a visitor in which a call was made; on Node, Deno and Bun its asynchronous context alone.
 *
 * On Workers a timer, a reply or a stream belongs to the request that made it: no other request may
 * touch it, and it is gone together with that one. The module serves all of them, and does what is
 * due in whichever request enters it; so whatever touches the platform is handed to the call's own.
 */
export interface Visit {
  /** This visit, or one that goes on where this one is over: calls that others share may outlive the
   * visit in which they were made. */
  standing(): Visit;
  /** Does `work` there, soon. */
  do(work: () => void): void;
  /** Does `work` there at once, where no visit can be over. */
  enter?(work: () => void): void;
  /** Keeps the visit going until {@link release}. `lost` is called where it ends all the same. */
  hold(lost: () => void): void;
  /** Needs the visit no longer. */
  release(lost: () => void): void;
}

/** Does `work` at once: where `visit` is, if that can be entered, else here. */
export function within(visit: Visit | undefined, work: () => void): void {
  if (visit?.enter === undefined) work();
  else visit.enter(work);
}

/** Does `work` where `visit` is, or here where that does not matter. */
export function doAt(visit: Visit | undefined, work: () => void): void {
  if (visit === undefined) work();
  else visit.do(work);
}
