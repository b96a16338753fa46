/** Lists that come as pages. */

import { KneepointError } from "../errors.ts";
import { APIPromise, type Received } from "./promise.ts";

/** A page of a list. Lists of models have one page. */
export class Page<Item> implements AsyncIterable<Item> {
  /** What is on this page. */
  data: Item[];
  /** Always `list`. */
  object: string;

  /** @internal */
  constructor(body: { data?: Item[]; object?: string }) {
    Object.assign(this, body);
    this.data = body.data ?? [];
    this.object = body.object ?? "list";
  }

  /** What is on this page. */
  getPaginatedItems(): Item[] {
    return this.data;
  }

  /** Whether the list goes on. */
  hasNextPage(): boolean {
    return false;
  }

  /** The page after this one. */
  async getNextPage(): Promise<this> {
    throw new KneepointError("this is the last page; `hasNextPage` tells", { kind: "config" });
  }

  /** This page and those after it. */
  async *iterPages(): AsyncGenerator<this> {
    yield this;
  }

  /** The items of this page and of those after it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    yield* this.data;
  }
}

/** A promise of a page that can be iterated over without waiting for it. */
export class PagePromise<Item> extends APIPromise<Page<Item>> implements AsyncIterable<Item> {
  /** @internal */
  constructor(received: Promise<Received>) {
    super(received, (read) => new Page<Item>(read as { data?: Item[] }));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    yield* (await this).data;
  }
}
