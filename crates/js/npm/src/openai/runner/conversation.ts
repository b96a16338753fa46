/** A conversation with a chat model that runs by itself: its messages, its completions, its end. */

import { KneepointError } from "../../errors.ts";
import type * as chat from "../../resources/types/chat.ts";
import type { ChatCompletionMessageFunctionToolCall, ChatCompletionMessageParam } from "../../resources/types/message.ts";
import type { CompletionUsage } from "../../resources/types/shared.ts";
import { type BaseEvents, EventStream } from "./events.ts";

/** A function that the model called, and its arguments. */
type Called = ChatCompletionMessageFunctionToolCall.Function;

/** What every conversation tells. */
export interface ConversationEvents<T> extends BaseEvents {
  /** A message that was not in the request: of the model, or what came of a tool. */
  message: (message: ChatCompletionMessageParam) => void;
  /** A completion, once it is whole. */
  chatCompletion: (completion: chat.ParsedChatCompletion<T>) => void;
  /** The model wants a function to be called. */
  functionToolCall: (call: Called) => void;
  /** What the function answered. */
  functionToolCallResult: (content: string) => void;
  finalContent: (content: string) => void;
  finalMessage: (message: chat.ParsedChatCompletionMessage<T>) => void;
  finalChatCompletion: (completion: chat.ParsedChatCompletion<T>) => void;
  finalFunctionToolCall: (call: Called) => void;
  finalFunctionToolCallResult: (content: string) => void;
  totalUsage: (usage: CompletionUsage) => void;
}

/** What tells of everything that conversations have in common. */
interface Telling<T> {
  _emit<Name extends keyof ConversationEvents<T>>(
    name: Name,
    ...args: Parameters<ConversationEvents<T>[Name]>
  ): void;
}

/** A conversation. */
export abstract class Conversation<
  Events extends ConversationEvents<T>,
  T,
> extends EventStream<Events> {
  /** What was asked and answered so far. What is added to it is part of the next request. */
  readonly messages: ChatCompletionMessageParam[] = [];
  readonly #completions: chat.ParsedChatCompletion<T>[] = [];

  /** All completions so far. */
  allChatCompletions(): chat.ParsedChatCompletion<T>[] {
    return [...this.#completions];
  }

  /** Waits for the end, and answers the last completion. */
  async finalChatCompletion(): Promise<chat.ParsedChatCompletion<T>> {
    await this.done();
    const completion = this.#completions.at(-1);
    if (completion !== undefined) return completion;
    throw new KneepointError("this run ended without a completion", { kind: "truncated" });
  }

  /** Waits for the end, and answers the model's last message. */
  async finalMessage(): Promise<chat.ParsedChatCompletionMessage<T>> {
    await this.done();
    return this.#lastMessage();
  }

  /** Waits for the end, and answers the text of the model's last message. */
  async finalContent(): Promise<string | null> {
    return (await this.finalMessage()).content ?? null;
  }

  /** Waits for the end, and answers the last call of a function, if there was one. */
  async finalFunctionToolCall(): Promise<Called | undefined> {
    await this.done();
    return this.#calls().at(-1)?.function;
  }

  /** Waits for the end, and answers what the last function answered, if one was called. */
  async finalFunctionToolCallResult(): Promise<string | undefined> {
    await this.done();
    return this.#lastResult();
  }

  /** Waits for the end, and answers what all completions used. Zero where the server does not tell. */
  async totalUsage(): Promise<CompletionUsage> {
    await this.done();
    return this.#usage();
  }

  /** Takes in what is asked. @internal */
  _ask(messages: readonly ChatCompletionMessageParam[]): void {
    this.messages.push(...messages);
  }

  /** Takes in a message, and tells of it. @internal */
  _addMessage(message: ChatCompletionMessageParam): void {
    const tell = this.#tell();
    this.messages.push(withContent(message));
    tell._emit("message", message);
    if (message.role === "tool" && message.content) {
      tell._emit("functionToolCallResult", message.content as string);
    } else if (message.role === "assistant") {
      for (const call of message.tool_calls ?? []) {
        if (call.type === "function") tell._emit("functionToolCall", call.function);
      }
    }
  }

  /** Takes in a completion, and tells of it. @internal */
  _addCompletion(completion: chat.ParsedChatCompletion<T>): void {
    for (const { message } of completion.choices) {
      // Some servers give calls no names, and what comes of them must name them.
      for (const call of message?.tool_calls ?? []) call.id ||= `call_${Math.random().toString(36).slice(2)}`;
    }
    this.#completions.push(completion);
    this.#tell()._emit("chatCompletion", completion);
    const message = completion.choices[0]?.message;
    if (message !== undefined) this._addMessage(message as ChatCompletionMessageParam);
  }

  protected override _emitFinal(): void {
    const tell = this.#tell();
    const completion = this.#completions.at(-1);
    if (completion !== undefined) tell._emit("finalChatCompletion", completion);
    const message = this.#lastMessage();
    tell._emit("finalMessage", message);
    if (message.content) tell._emit("finalContent", message.content);
    const call = this.#calls().at(-1);
    if (call !== undefined) tell._emit("finalFunctionToolCall", call.function);
    const result = this.#lastResult();
    if (result !== undefined) tell._emit("finalFunctionToolCallResult", result);
    if (this.#completions.some(({ usage }) => usage)) tell._emit("totalUsage", this.#usage());
  }

  #lastMessage(): chat.ParsedChatCompletionMessage<T> {
    const message = this.messages.findLast(({ role }) => role === "assistant");
    if (message === undefined) {
      throw new KneepointError("this run ended without a message of the model", { kind: "answer" });
    }
    const { content = null, refusal = null } = message as chat.ChatCompletionMessage;
    return { ...message, content, refusal } as chat.ParsedChatCompletionMessage<T>;
  }

  /** All calls of functions. */
  #calls(): ChatCompletionMessageFunctionToolCall[] {
    const all = this.messages.flatMap((message) =>
      message.role === "assistant" ? (message.tool_calls ?? []) : [],
    );
    return all.filter((call) => call.type === "function");
  }

  #lastResult(): string | undefined {
    const ids = new Set(this.#calls().map(({ id }) => id));
    const message = this.messages.findLast(
      (one) => one.role === "tool" && typeof one.content === "string" && ids.has(one.tool_call_id),
    );
    return message?.content as string | undefined;
  }

  #usage(): CompletionUsage {
    const total: CompletionUsage = { completion_tokens: 0, prompt_tokens: 0, total_tokens: 0 };
    for (const { usage } of this.#completions) {
      if (!usage) continue;
      total.completion_tokens += usage.completion_tokens;
      total.prompt_tokens += usage.prompt_tokens;
      total.total_tokens += usage.total_tokens;
      for (const name of ["completion_tokens_details", "prompt_tokens_details"] as const) {
        if (usage[name]) total[name] = summed(total[name], usage[name]);
      }
    }
    return total;
  }

  /** Events of one's own cannot be told apart from those of whoever extends this. */
  #tell(): Telling<T> {
    return this as unknown as Telling<T>;
  }
}

/** Each kind of tokens that either of them knows. */
function summed(before: object = {}, more: object): Record<string, number> {
  const total = new Map(Object.entries(before) as [string, number][]);
  for (const [name, count] of Object.entries(more)) {
    if (typeof count === "number") total.set(name, (total.get(name) ?? 0) + count);
  }
  return Object.fromEntries(total);
}

function withContent(message: ChatCompletionMessageParam): ChatCompletionMessageParam {
  if (!("content" in message)) (message as { content: null }).content = null;
  return message;
}
