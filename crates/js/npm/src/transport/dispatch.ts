/** What is used of undici: its dispatchers, and what they tell of an exchange. */

import type { Reply } from "../reply.ts";

/** What carries requests. */
export interface Dispatcher {
  dispatch(options: DispatchOptions, handler: Handler): boolean;
}

/** One request, as undici wants it. */
export interface DispatchOptions {
  origin: string;
  path: string;
  method: string;
  headers: string[];
  body: string | null;
  headersTimeout: number;
  bodyTimeout: number;
}

/** What undici hands to a handler to steer the exchange with. */
export interface Controller {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** What is told of an exchange. */
export interface Handler {
  onRequestStart(controller: Controller): void;
  onResponseStart(controller: Controller, status: number, headers: IncomingHeaders): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(controller: Controller): void;
  /** There is no controller where the request was refused before it began. */
  onResponseError(controller: Controller | null, error: Error): void;
}

/** The header fields of an answer. */
export type IncomingHeaders = Reply["headers"];
