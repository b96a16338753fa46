/**
 * The one family of errors.
 *
 * The classes bear the names that OpenAI's SDK gives them, so that code written for it catches what
 * it means to. `kind` and `phase` tell more finely what happened and where.
 */

import { enter } from "./engine.ts";
import { type ErrorKind, explain, type Failure, KneepointError } from "./failure.ts";
import { headersOf, type Reply } from "./reply.ts";

export { type ErrorKind, type Failure, KneepointError, type Phase } from "./failure.ts";

/** What came of talking to a server, or of not reaching it. */
export class APIError extends KneepointError {
  /** The HTTP status. */
  readonly status: number | undefined;
  /** The header fields of the reply. */
  readonly headers: Headers | undefined;
  /** The provider's error object. */
  readonly error: object | undefined;
  readonly code: string | null | undefined;
  readonly param: string | null | undefined;
  readonly type: string | undefined;
  /** The server's name for the request. */
  readonly requestID: string | null | undefined;

  constructor(
    status: number | undefined,
    error: object | undefined,
    message: string | undefined,
    headers: Headers | undefined,
  ) {
    super(wording(status, error, message), { kind: status === undefined ? "network" : "status" });
    const said = error as { code?: string; param?: string; type?: string } | undefined;
    this.status = status;
    this.headers = headers;
    this.error = error;
    this.code = said?.code;
    this.param = said?.param;
    this.type = said?.type;
    this.requestID = headers?.get("x-request-id") ?? headers?.get("request-id");
  }

  /** The error of the class that a status calls for. */
  static generate(
    status: number | undefined,
    body: object | undefined,
    message: string | undefined,
    headers: Headers | undefined,
  ): APIError {
    if (!status || headers === undefined) {
      return new APIConnectionError({ message, cause: body });
    }
    return new (classOf(status))(status, (body as { error?: object } | undefined)?.error, message, headers);
  }
}

function wording(
  status: number | undefined,
  error: object | undefined,
  message: string | undefined,
): string {
  const said = (error as { message?: unknown } | undefined)?.message;
  const named = said || error;
  const words = typeof said === "string" && said ? said : named ? JSON.stringify(named) : message;
  if (status === undefined) return words || "(no status code or body)";
  return `${status} ${words || "status code (no body)"}`;
}

/** The caller took the call back. */
export class APIUserAbortError extends APIError {
  constructor({ message }: { message?: string | undefined } = {}) {
    super(undefined, undefined, message ?? "Request was aborted.", undefined);
    explain(this, { kind: "aborted" });
  }
}

/** The server was not reached, or the connection to it was lost. */
export class APIConnectionError extends APIError {
  constructor({ message, cause }: { message?: string | undefined; cause?: unknown } = {}) {
    super(undefined, undefined, message ?? "Connection error.", undefined);
    if (cause !== undefined) this.cause = cause;
  }
}

/** A clock ran out; `option` names it. */
export class APIConnectionTimeoutError extends APIConnectionError {
  constructor({ message, ...more }: { message?: string | undefined; cause?: Error | undefined } = {}) {
    super({ message: message ?? "Request timed out.", ...more });
    explain(this, { kind: "timeout" });
  }
}

/** 400 */
export class BadRequestError extends APIError {}
/** 401 */
export class AuthenticationError extends APIError {}
/** 403 */
export class PermissionDeniedError extends APIError {}
/** 404 */
export class NotFoundError extends APIError {}
/** 409 */
export class ConflictError extends APIError {}
/** 422 */
export class UnprocessableEntityError extends APIError {}
/** 429 */
export class RateLimitError extends APIError {}
/** 500 and above */
export class InternalServerError extends APIError {}

const CLASSES = new Map<number, typeof APIError>([
  [400, BadRequestError],
  [401, AuthenticationError],
  [403, PermissionDeniedError],
  [404, NotFoundError],
  [409, ConflictError],
  [422, UnprocessableEntityError],
  [429, RateLimitError],
]);

/** Bundlers rename classes that name themselves inside, and users read names. */
function classOf(status: number): typeof APIError {
  return CLASSES.get(status) ?? (status >= 500 ? InternalServerError : APIError);
}

/** What the module tells of a failed call. */
export interface Told extends Omit<Failure, "cause"> {
  kind: ErrorKind;
  message: string;
  /** The kind behind an interruption. */
  cause?: ErrorKind;
  /** Which clock ran out, by the option's name. */
  timeout?: string;
  /** What the provider said, in its words and as JSON. */
  said?: string;
  body?: string;
  type?: string;
  code?: string;
  param?: string;
  requestID?: string;
  status?: number;
  /** The transport's object for the reply. */
  reply?: Reply;
}

/** Makes the error of a class that callers look for of what the module tells. `trouble` is the code of
 * what the platform threw, where it did; `fields` are a reply's that the module has not seen. */
export function errorOf(told: Told, trouble?: string, fields?: Headers): KneepointError {
  const error = classed(told, trouble, fields ?? (told.reply && headersOf(told.reply)));
  // What a provider says is worded by its class, as callers of OpenAI's SDK know it.
  const message = told.said === undefined ? told.message : undefined;
  explain(error, { ...told, message, option: told.option ?? told.timeout });
  if (error instanceof APIError) {
    const { code = error.code, type = error.type, param = error.param, requestID = error.requestID } = told;
    // An object that was too long is not here, but what it called the error is.
    Object.assign(error, error.error === undefined ? { code, type, param, requestID } : { requestID });
  }
  return error;
}

/** Enters the module, and makes errors of what it refuses. */
export function enterRefusing<T>(work: () => T): T {
  try {
    return enter(work);
  } catch (error) {
    throw error instanceof Error ? error : errorOf(error as Told);
  }
}

/** How platforms and functions of users' own say that a clock of theirs ran out. */
const TIMED_OUT = /timed? ?out|AbortError/i;

function classed(told: Told, code: string | undefined, headers: Headers | undefined): KneepointError {
  const { message } = told;
  const cause = code === undefined ? undefined : Object.assign(new Error(message), { code });
  const kind = told.cause ?? told.kind;
  switch (kind) {
    case "config":
    case "queue_full":
    case "paused":
      return new KneepointError(message);
    case "aborted":
      return new APIUserAbortError({ message });
    case "timeout":
      return new APIConnectionTimeoutError({ message });
    case "network":
    case "opaque":
      return new (TIMED_OUT.test(message) ? APIConnectionTimeoutError : APIConnectionError)({ message, cause });
    case "truncated":
      return new APIConnectionError({ message, cause });
    case "status":
      // A call that was never sent has no head of its own: others were told this.
      return APIError.generate(told.status, { error: objectOf(told) }, wordsOf(told), headers ?? new Headers());
    case "in_band":
      return new APIError(undefined, objectOf(told), wordsOf(told), headers);
    default:
      return new APIError(told.reply?.status, undefined, message, headers);
  }
}

/** The provider's error object, where it sent one. */
function objectOf({ body }: Told): object | undefined {
  try {
    return body === undefined ? undefined : (JSON.parse(body) as object);
  } catch {
    return undefined;
  }
}

/** What stood in place of an error object; nothing where nothing did. */
function wordsOf({ reply, said }: Told): string | undefined {
  return reply?.chunks.length === 0 ? undefined : said;
}
