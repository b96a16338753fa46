/** Where a call was made, on runtimes in which all of a process's I/O may be done by anybody. */

import { AsyncResource } from "node:async_hooks";

import type { Visit } from "../visit.ts";

/** The asynchronous context of a call. The module sends what is due in whichever call enters it, but what is made
 * there for one call, such as the span of a request or a `fetch` that asks whose request it is, belongs to that one. */
export class Context extends AsyncResource implements Visit {
  constructor() {
    super("kneepoint");
  }

  standing(): this {
    return this;
  }

  do(work: () => void): void {
    this.enter(work);
  }

  enter(work: () => void): void {
    this.runInAsyncScope(work);
  }

  hold(): void {}

  release(): void {}
}
