/**
 * Those who are under way, in no order.
 *
 * Neither a `Set` nor a `Map`. V8 gives one that many enter and leave a new table again and again,
 * and a table left behind, once it has grown old, keeps alive what stood in it and all tables after
 * it, until the next full collection. That made a call half as dear again.
 */
export class Crowd<T extends Member> implements Iterable<T> {
  readonly #members: T[] = [];

  add(member: T): void {
    member.place = this.#members.length;
    this.#members.push(member);
  }

  /** Lets one go, if it is in it. */
  delete(member: T): void {
    if (this.#members[member.place] !== member) return;
    const last = this.#members.pop() as T;
    if (last === member) return;
    last.place = member.place;
    this.#members[last.place] = last;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#members[Symbol.iterator]();
  }
}

/** Somebody who may be in one crowd. */
export interface Member {
  /** Where in it. */
  place: number;
}
