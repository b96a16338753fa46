/** Puts a chat completion together from its chunks. Pure. */

import { KneepointError } from "../../errors.ts";
import type * as chat from "../../resources/types/chat.ts";
import { growsParsed, growsParsedArguments, type Params } from "./parse.ts";
import { partial } from "./partial.ts";
import { placeOf, placeOfCall } from "./place.ts";

type Plain = Record<string, unknown>;

/** A completion that is still growing: whatever may be missing, is. */
export interface ChatCompletionSnapshot extends Omit<chat.ChatCompletionChunk, "choices" | "object"> {
  choices: ChatCompletionSnapshot.Choice[];
  object: string;
}

export declare namespace ChatCompletionSnapshot {
  /** An answer that is still growing. */
  interface Choice {
    index: number;
    finish_reason: chat.ChatCompletionFinishReason | null;
    logprobs: chat.ChatCompletionLogprobs | null;
    message: Message;
  }
  /** A message that is still growing. */
  interface Message {
    /** What the content means so far, where its format has a parser. */
    parsed?: unknown;
    audio?: Partial<NonNullable<chat.ChatCompletionMessage["audio"]>>;
    content?: string | null;
    refusal?: string | null;
    role?: string;
    function_call?: { name?: string; arguments?: string };
    tool_calls?: ToolCall[];
  }
  /** A function and the arguments so far. */
  interface Called {
    name: string;
    arguments: string;
    /** What they mean so far, where the tool promises that they fit its schema. */
    parsed_arguments?: unknown;
  }
  /** A call that is still growing. */
  interface ToolCall {
    id?: string;
    type?: string;
    function?: Called;
    custom?: { name?: string; input?: string };
  }
}

/** Adds a chunk to what there is. Fields that nobody knows are kept as they last came. */
export function gather(
  snapshot: ChatCompletionSnapshot | undefined,
  chunk: chat.ChatCompletionChunk,
  params: Params | null = null,
): ChatCompletionSnapshot {
  // What only makes all chunks equally long is no part of the answer.
  const { choices, obfuscation: _, ...rest } = chunk;
  const whole = snapshot ?? { ...rest, choices: [] };
  // A chunk without a name is a proxy's own, and says nothing of the answer.
  if (snapshot !== undefined && chunk.id) Object.assign(whole, rest);
  for (const { delta, logprobs, index, finish_reason, ...more } of choices ?? []) {
    const choice = (whole.choices[placeOf("choice", index)] ??= {
      index,
      finish_reason: null,
      logprobs: null,
      message: growsParsed(params) ? lazily({} as ChatCompletionSnapshot.Message, "parsed", "content") : {},
    });
    Object.assign(choice, more);
    if (finish_reason) choice.finish_reason = finish_reason;
    if (logprobs) choice.logprobs = grown(choice.logprobs, logprobs);
    if (delta) addDelta(choice.message, delta, params);
  }
  return whole;
}

function grown(
  before: chat.ChatCompletionLogprobs | null,
  more: chat.ChatCompletionLogprobs,
): chat.ChatCompletionLogprobs {
  const both = <T>(first: T[] | null | undefined, second: T[] | null | undefined): T[] | null =>
    first || second ? [...(first ?? []), ...(second ?? [])] : null;
  return {
    ...more,
    content: both(before?.content, more.content),
    refusal: both(before?.refusal, more.refusal),
  };
}

function addDelta(
  message: ChatCompletionSnapshot.Message,
  delta: chat.ChatCompletionChunk.Choice.Delta,
  params: Params | null,
): void {
  const { content, refusal, role, function_call, tool_calls, audio, ...rest } = delta;
  if (audio) addAudio((message.audio ??= {}), audio);
  for (const [name, value] of Object.entries(rest as Plain)) addField(message as Plain, name, value);
  if (role) message.role = role;
  // Cloudflare sends pieces that look like numbers as numbers, and 0 is one. A text without a letter is a text.
  if (content != null) message.content = (message.content ?? "") + content;
  if (refusal) message.refusal = (message.refusal ?? "") + refusal;
  if (function_call) {
    const call = (message.function_call ??= {});
    if (function_call.name) call.name = function_call.name;
    call.arguments = (call.arguments ?? "") + (function_call.arguments ?? "");
  }
  for (const piece of tool_calls ?? []) addCall((message.tool_calls ??= []), piece, params);
}

/** Adds a piece of a tool call to the one that it belongs to. */
function addCall(
  calls: ChatCompletionSnapshot.ToolCall[],
  piece: chat.ChatCompletionChunk.Choice.Delta.ToolCall,
  params: Params | null,
): void {
  // Whoever looks at the chunk next finds the call there too.
  piece.index = placeOfCall(calls, piece);
  const { index, id, type, function: called, custom, ...more } = piece;
  const call = (calls[index] ??= {});
  Object.assign(call, more);
  if (id) call.id = id;
  if (type) call.type = type;
  if (custom) {
    const { name = call.custom?.name, input = "" } = custom;
    call.custom = { ...(name === undefined ? {} : { name }), input: (call.custom?.input ?? "") + input };
  }
  if (!called) return;
  const target = (call.function ??= { name: "", arguments: "" });
  if (called.name) target.name = called.name;
  target.arguments += called.arguments ?? "";
  if (target.arguments && growsParsedArguments(target.name, params)) lazily(target, "parsed_arguments", "arguments");
}

/** Lets a field hold what the beginning of another one means, found out when somebody looks. */
function lazily<T extends object>(object: T, name: string, of: keyof T): T {
  const get = (): unknown => {
    const text = object[of];
    return typeof text === "string" && text.trim() !== "" ? partial(text) : null;
  };
  return Object.defineProperty(object, name, { get, enumerable: true, configurable: true });
}

function addAudio(
  audio: Partial<NonNullable<chat.ChatCompletionMessage["audio"]>>,
  { data, transcript, ...rest }: Partial<NonNullable<chat.ChatCompletionMessage["audio"]>>,
): void {
  Object.assign(audio, rest);
  if (data) audio.data = (audio.data ?? "") + data;
  if (transcript) audio.transcript = (audio.transcript ?? "") + transcript;
}

/** Texts under the names that reasoning goes by grow, and stay when there is no more of them; everything
 * else is replaced. */
function addField(message: Plain, name: string, value: unknown): void {
  const before = message[name];
  const grows = (name === "reasoning_content" || name === "reasoning") && typeof before === "string";
  if (grows && value == null) return;
  message[name] = grows && typeof value !== "object" ? before + String(value) : value;
}

/** The completion that has come to its end. */
export function finished(snapshot: ChatCompletionSnapshot): chat.ChatCompletion {
  const choices = snapshot.choices.map(({ message, finish_reason, ...choice }) => {
    if (!finish_reason) {
      throw new KneepointError(`choice ${choice.index} has not come to its end`, { kind: "truncated" });
    }
    const calls = message.tool_calls && { tool_calls: message.tool_calls.filter(() => true) };
    const { content = null, refusal = null, role = "assistant" } = message;
    return { ...choice, finish_reason, message: { ...message, role, content, refusal, ...calls } };
  });
  return { ...snapshot, choices, object: "chat.completion" } as chat.ChatCompletion;
}
