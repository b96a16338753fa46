/**
 * The errors, under the names that OpenAI's SDK gives them.
 *
 * @packageDocumentation
 */

import { KneepointError } from "../errors.ts";

export {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  KneepointError,
  KneepointError as OpenAIError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from "../errors.ts";

/** An answer that was to be parsed ended at its length limit. */
export class LengthFinishReasonError extends KneepointError {
  constructor() {
    super("the answer was cut at its length limit and cannot be parsed", { kind: "answer" });
  }
}

/** An answer that was to be parsed was stopped by a filter. */
export class ContentFilterFinishReasonError extends KneepointError {
  constructor() {
    super("a content filter stopped the answer, which cannot be parsed", { kind: "answer" });
  }
}
