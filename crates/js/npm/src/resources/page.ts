/** Lists that come as pages. */

import { KneepointError } from "../errors.ts";
import { APIPromise, type Received } from "./promise.ts";
import type { FinalRequestOptions } from "./request.ts";

/** What pages are asked through. */
export interface PageClient {
  /** Sends a request, and leaves the answer to whoever knows it. @internal */
  _receive(options: FinalRequestOptions): Promise<Received>;
}

/** What a page is asked for with. */
export type PageRequestOptions = Pick<FinalRequestOptions, "query" | "headers" | "body" | "path" | "method">;

/** What makes a page of an answer. */
export type PageClass<Made> = new (
  client: never,
  response: Response,
  body: never,
  options: FinalRequestOptions,
) => Made;

/** A page of a list. Who extends it says how the list goes on. */
export abstract class AbstractPage<Item> implements AsyncIterable<Item> {
  readonly #client: PageClient;
  /** What this page was asked for with. */
  protected declare readonly options: FinalRequestOptions;
  /** What it came in. */
  protected declare readonly response: Response;
  /** What the server said. */
  protected declare readonly body: unknown;

  /** A page of what the server said. Its fields are the page's too. */
  constructor(client: PageClient, response: Response, body: unknown, options: FinalRequestOptions) {
    this.#client = client;
    // Defined one by one: what a server calls `__proto__` must not take the methods away.
    Object.defineProperties(this, Object.getOwnPropertyDescriptors({ ...(body as object) }));
    // Whoever prints a page, or hands it on as JSON, means the list.
    for (const [name, value] of Object.entries({ options, response, body })) {
      Object.defineProperty(this, name, { value, enumerable: false, writable: false, configurable: true });
    }
  }

  /** What the next page is asked for with; `null` where there is none. */
  abstract nextPageRequestOptions(): PageRequestOptions | null;

  /** What is on this page. */
  abstract getPaginatedItems(): Item[];

  /** Whether the list goes on. */
  hasNextPage(): boolean {
    return this.getPaginatedItems().length > 0 && this.nextPageRequestOptions() !== null;
  }

  /** The page after this one. */
  async getNextPage(): Promise<this> {
    const options = this.nextPageRequestOptions();
    if (options === null) {
      throw new KneepointError("this is the last page; `hasNextPage` tells", { kind: "config" });
    }
    const Class = this.constructor as PageClass<this>;
    return (await new PagePromise<this, Item>(this.#client, Class, options)) as this;
  }

  /** This page and those after it. */
  async *iterPages(): AsyncGenerator<this> {
    let page: this = this;
    yield page;
    while (page.hasNextPage()) yield (page = await page.getNextPage());
  }

  /** The items of this page and of those after it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for await (const page of this.iterPages()) yield* page.getPaginatedItems();
  }
}

/** What a server says of a list. */
export interface PageResponse<Item> {
  data: Item[];
  object: string;
}

/** A list that has one page. */
export class Page<Item> extends AbstractPage<Item> implements PageResponse<Item> {
  /** What is on this page. */
  data: Item[];
  /** Always `list`. */
  object: string;

  constructor(client: PageClient, response: Response, body: PageResponse<Item>, options: FinalRequestOptions) {
    super(client, response, body, options);
    this.data = body?.data ?? [];
    this.object = body?.object ?? "list";
  }

  getPaginatedItems(): Item[] {
    return this.data;
  }

  nextPageRequestOptions(): null {
    return null;
  }
}

/** A promise of a page that can be iterated over without waiting for it. */
export class PagePromise<Made extends AbstractPage<Item>, Item = ReturnType<Made["getPaginatedItems"]>[number]>
  extends APIPromise<Made>
  implements AsyncIterable<Item>
{
  /** @internal */
  constructor(
    client: PageClient,
    Class: PageClass<Made>,
    options: FinalRequestOptions | Promise<FinalRequestOptions>,
  ) {
    let current: FinalRequestOptions;
    const receiving = Promise.resolve(options).then((known) => client._receive((current = known)));
    super(receiving, (read, received) => new Class(client as never, received.response, read as never, current));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    yield* (await this) as Made;
  }
}
