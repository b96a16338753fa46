/** A prompt in no one's dialect, and the request that asks for it in the provider's. */

import { kindOf, refuse } from "./failure.ts";

/** A turn of a conversation. */
export interface Message {
  role: "user" | "assistant" | (string & {});
  content: string;
}

/** What `generate` and `stream` take beside the prompt. Fields that are not named here are handed on
 * to the server as they are. */
export interface GenerateOptions {
  /** Whom to ask. */
  model: string;
  /** What the system is told. */
  system?: string;
  /** Tokens of the answer at most. Anthropic wants to know; there the default is 1024. */
  maxTokens?: number;
  [field: string]: unknown;
}

/** A prompt in the provider's dialect, and where that is sent. */
export interface PromptRequest {
  path: string;
  body: Record<string, unknown>;
}

const ANTHROPIC_MAX_TOKENS = 1024;

/** The request that asks for `prompt`. */
export function ask(
  isAnthropic: boolean,
  prompt: string | readonly Message[],
  options: GenerateOptions,
  stream: boolean,
): PromptRequest {
  const { model, system, maxTokens, ...extra } = options;
  if (typeof prompt !== "string" && !Array.isArray(prompt)) {
    throw refuse("prompt", kindOf(prompt), "a text, or an array of messages");
  }
  // As JSON has no word for it, what is no number would ask for an answer of any length.
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens >= 1)) {
    throw refuse("maxTokens", kindOf(maxTokens), "a whole number from 1");
  }
  const turns: readonly Message[] =
    typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  const streaming = stream ? { stream: true } : {};
  if (isAnthropic) {
    const max_tokens = maxTokens ?? ANTHROPIC_MAX_TOKENS;
    const body = { model, max_tokens, ...(system === undefined ? {} : { system }), messages: turns };
    return { path: "/messages", body: { ...body, ...streaming, ...extra } };
  }
  const messages = system === undefined ? turns : [{ role: "system", content: system }, ...turns];
  const length = maxTokens === undefined ? {} : { max_tokens: maxTokens };
  // Otherwise a stream ends without saying what it cost.
  const usage = stream ? { stream_options: { include_usage: true } } : {};
  return {
    path: "/chat/completions",
    body: { model, messages, ...length, ...streaming, ...usage, ...extra },
  };
}
