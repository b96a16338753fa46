/** Lists of many pages, each of which begins after an item of the page before it. */

import type { Requester } from "../resources/endpoints.ts";
import { AbstractPage, type PageClass, type PageClient, PagePromise, type PageRequestOptions } from "../resources/page.ts";
import type { FinalRequestOptions, RequestOptions } from "../resources/request.ts";

/** What a server says of a page. */
export interface CursorPageResponse<Item> {
  data: Item[];
  has_more: boolean;
}

/** Which items a page is to hold. */
export interface CursorPageParams {
  /** The last item that is known already. */
  after?: string;
  /** How many at most. */
  limit?: number;
}

/** A page that the one after the last of these items follows. */
export class CursorPage<Item extends { id?: string }>
  extends AbstractPage<Item>
  implements CursorPageResponse<Item>
{
  /** What is on this page. */
  data: Item[];
  /** Whether the server has more. */
  has_more: boolean;

  constructor(client: PageClient, response: Response, body: CursorPageResponse<Item>, options: FinalRequestOptions) {
    super(client, response, body, options);
    this.data = body?.data ?? [];
    this.has_more = body?.has_more ?? false;
  }

  getPaginatedItems(): Item[] {
    return this.data;
  }

  override hasNextPage(): boolean {
    return this.has_more && super.hasNextPage();
  }

  nextPageRequestOptions(): PageRequestOptions | null {
    return this._after(this.data.at(-1)?.id);
  }

  /** What the page after an item is asked for with. @internal */
  _after(after: string | undefined): PageRequestOptions | null {
    return after ? { ...this.options, query: { ...this.options.query, after } } : null;
  }
}

/** What a server says of a page of a conversation. */
export interface ConversationCursorPageResponse<Item> extends CursorPageResponse<Item> {
  last_id: string;
}

/** A page of a conversation, whose server names its last item. */
export class ConversationCursorPage<Item extends { id?: string }>
  extends CursorPage<Item>
  implements ConversationCursorPageResponse<Item>
{
  /** The last item of this page. */
  last_id: string;

  constructor(
    client: PageClient,
    response: Response,
    body: ConversationCursorPageResponse<Item>,
    options: FinalRequestOptions,
  ) {
    super(client, response, body, options);
    this.last_id = body?.last_id ?? "";
  }

  override nextPageRequestOptions(): PageRequestOptions | null {
    return this._after(this.last_id);
  }
}

/** A promise of the first page of a list. */
export function listed<Made extends AbstractPage<Item>, Item>(
  client: Requester,
  Class: PageClass<Made>,
  path: string,
  query: object | null | undefined,
  options: RequestOptions | undefined,
): PagePromise<Made, Item> {
  return new PagePromise(client, Class, { method: "get", path, query, ...options });
}
