/** A streamed chat completion that puts itself together and tells of what it finds. */

import { APIUserAbortError, KneepointError } from "../../errors.ts";
import { Stream } from "../streaming.ts";
import type * as chat from "../types/chat.ts";
import type { CompletionUsage } from "../types/shared.ts";
import { type BaseEvents, EventStream } from "./events.ts";
import { type ChatCompletionSnapshot, finished, gather } from "./gather.ts";
import { checkFinish, isParsed, parsed, parsedArguments, parsedContent } from "./parse.ts";

/** What a streamed chat completion tells. */
export interface ChatCompletionStreamEvents<T> extends BaseEvents {
  /** A chunk, and what there is with it. */
  chunk: (chunk: chat.ChatCompletionChunk, snapshot: ChatCompletionSnapshot) => void;
  /** New text, and all of it so far. */
  content: (delta: string, snapshot: string) => void;
  "content.delta": (event: { delta: string; snapshot: string; parsed: unknown }) => void;
  "content.done": (event: { content: string; parsed: T | null }) => void;
  "refusal.delta": (event: { delta: string; snapshot: string }) => void;
  "refusal.done": (event: { refusal: string }) => void;
  "tool_calls.function.arguments.delta": (event: {
    name: string;
    index: number;
    arguments: string;
    parsed_arguments: unknown;
    arguments_delta: string;
  }) => void;
  "tool_calls.function.arguments.done": (event: {
    name: string;
    index: number;
    arguments: string;
    parsed_arguments: unknown;
  }) => void;
  "logprobs.content.delta": (event: {
    content: chat.ChatCompletionTokenLogprob[];
    snapshot: chat.ChatCompletionTokenLogprob[];
  }) => void;
  "logprobs.refusal.delta": (event: {
    refusal: chat.ChatCompletionTokenLogprob[];
    snapshot: chat.ChatCompletionTokenLogprob[];
  }) => void;
  /** The message, once it is whole. */
  message: (message: chat.ParsedChatCompletionMessage<T>) => void;
  /** The completion, once it is whole. */
  chatCompletion: (completion: chat.ParsedChatCompletion<T>) => void;
  finalContent: (content: string) => void;
  finalMessage: (message: chat.ParsedChatCompletionMessage<T>) => void;
  finalChatCompletion: (completion: chat.ParsedChatCompletion<T>) => void;
  finalFunctionToolCall: (call: chat.ChatCompletionMessageFunctionToolCall.Function) => void;
  totalUsage: (usage: CompletionUsage) => void;
}

type Params = Pick<chat.ChatCompletionCreateParamsBase, "response_format" | "tools"> | null;

/** Where an answer stands. */
interface Progress {
  isContentDone: boolean;
  isRefusalDone: boolean;
  /** The call that grows. */
  call: number | undefined;
}

/** A streamed chat completion. */
export class ChatCompletionStream<T = null>
  extends EventStream<ChatCompletionStreamEvents<T>>
  implements AsyncIterable<chat.ChatCompletionChunk>
{
  /** What was asked and answered. */
  readonly messages: object[] = [];
  readonly #params: Params;
  readonly #isParsed: boolean;
  readonly #progress: Progress[] = [];
  #snapshot: ChatCompletionSnapshot | undefined;
  #final: chat.ParsedChatCompletion<T> | undefined;

  /** @internal */
  constructor(
    params: Params,
    open: (signal: AbortSignal) => Promise<Stream<chat.ChatCompletionChunk>>,
    signal?: AbortSignal | null,
  ) {
    super();
    this.#params = params;
    this.#isParsed = isParsed(params);
    const abort = (): void => this.controller.abort();
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    this.on("end", () => signal?.removeEventListener("abort", abort));
    this._run(() => this.#read(open));
  }

  /** The completion whose chunks somebody else's `toReadableStream` has sent. */
  static fromReadableStream(stream: ReadableStream): ChatCompletionStream<null> {
    return new ChatCompletionStream<null>(null, async (signal) => {
      const controller = new AbortController();
      signal.addEventListener("abort", () => controller.abort(), { once: true });
      return Stream.fromReadableStream<chat.ChatCompletionChunk>(stream, controller);
    });
  }

  /** What there is so far. */
  get currentChatCompletionSnapshot(): ChatCompletionSnapshot | undefined {
    return this.#snapshot;
  }

  /** Waits for the completion. */
  async finalChatCompletion(): Promise<chat.ParsedChatCompletion<T>> {
    await this.done();
    if (this.#final !== undefined) return this.#final;
    throw new KneepointError("this stream ended without a completion", { kind: "truncated" });
  }

  /** Waits for the message. */
  async finalMessage(): Promise<chat.ParsedChatCompletionMessage<T>> {
    const [choice] = (await this.finalChatCompletion()).choices;
    if (choice !== undefined) return choice.message;
    throw new KneepointError("this stream ended without a message", { kind: "answer" });
  }

  /** Waits for the text. */
  async finalContent(): Promise<string | null> {
    return (await this.finalMessage()).content ?? null;
  }

  /** Waits for the last call of a function, if there is one. */
  async finalFunctionToolCall(): Promise<
    chat.ChatCompletionMessageFunctionToolCall.Function | undefined
  > {
    return (await this.finalMessage()).tool_calls?.at(-1)?.function;
  }

  /** Waits for what was used. All zero where the server does not tell. */
  async totalUsage(): Promise<CompletionUsage> {
    const { usage } = await this.finalChatCompletion();
    return usage ?? { completion_tokens: 0, prompt_tokens: 0, total_tokens: 0 };
  }

  /** The chunks from here on. */
  [Symbol.asyncIterator](): AsyncIterator<chat.ChatCompletionChunk> {
    const kept: chat.ChatCompletionChunk[] = [];
    let wake: () => void = () => {};
    let failure: Error | undefined;
    let isOver = this.ended;
    const over = (error?: Error): void => {
      failure ??= error;
      isOver = true;
      wake();
    };
    this.on("chunk", (chunk) => {
      kept.push(chunk);
      wake();
    });
    this.on("error", over).on("abort", over).on("end", () => over());
    return {
      next: async () => {
        while (kept.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve));
        const value = kept.shift();
        if (value !== undefined) return { value, done: false };
        if (failure !== undefined) {
          const error = failure;
          failure = undefined;
          throw error;
        }
        return { value: undefined, done: true };
      },
      return: async () => {
        this.abort();
        return { value: undefined, done: true };
      },
    };
  }

  /** The chunks as JSON, one in each line. {@link fromReadableStream} reads it. */
  toReadableStream(): ReadableStream {
    return new Stream(() => this[Symbol.asyncIterator](), this.controller).toReadableStream();
  }

  async #read(
    open: (signal: AbortSignal) => Promise<Stream<chat.ChatCompletionChunk>>,
  ): Promise<void> {
    const stream = await open(this.controller.signal);
    this._emit("connect");
    for await (const chunk of stream) this.#add(chunk);
    if (stream.controller.signal.aborted) throw new APIUserAbortError();
    if (this.#snapshot === undefined) {
      throw new KneepointError("this stream ended without a chunk", { kind: "truncated" });
    }
    this.#end(parsed<T>(finished(this.#snapshot), this.#params, this.#isParsed));
  }

  #end(completion: chat.ParsedChatCompletion<T>): void {
    this.#final = completion;
    this._emit("chatCompletion", completion);
    const message = completion.choices[0]?.message;
    if (message !== undefined) {
      this.messages.push(message);
      this._emit("message", message);
    }
    this._emit("finalChatCompletion", completion);
    if (message !== undefined) this._emit("finalMessage", message);
    if (message?.content) this._emit("finalContent", message.content);
    const call = message?.tool_calls?.at(-1)?.function;
    if (call !== undefined) this._emit("finalFunctionToolCall", call);
    if (completion.usage) this._emit("totalUsage", completion.usage);
  }

  #add(chunk: chat.ChatCompletionChunk): void {
    const snapshot = gather(this.#snapshot, chunk);
    this.#snapshot = snapshot;
    this._emit("chunk", chunk, snapshot);
    for (const part of chunk.choices ?? []) {
      const choice = snapshot.choices[part.index] as ChatCompletionSnapshot.Choice;
      if (part.finish_reason && this.#isParsed) checkFinish(part.finish_reason);
      this.#tell(part, choice);
    }
  }

  #tell(part: chat.ChatCompletionChunk.Choice, choice: ChatCompletionSnapshot.Choice): void {
    const { delta, logprobs } = part;
    const { content, refusal } = choice.message;
    const progress = (this.#progress[part.index] ??= {
      isContentDone: false,
      isRefusalDone: false,
      call: undefined,
    });
    if (delta?.content != null && content) {
      this._emit("content", delta.content, content);
      this._emit("content.delta", { delta: delta.content, snapshot: content, parsed: null });
    }
    if (delta?.refusal != null && refusal) {
      this._emit("refusal.delta", { delta: delta.refusal, snapshot: refusal });
    }
    if (logprobs?.content) {
      const snapshot = choice.logprobs?.content ?? [];
      this._emit("logprobs.content.delta", { content: logprobs.content, snapshot });
    }
    if (logprobs?.refusal) {
      const snapshot = choice.logprobs?.refusal ?? [];
      this._emit("logprobs.refusal.delta", { refusal: logprobs.refusal, snapshot });
    }
    for (const { index, function: piece } of delta?.tool_calls ?? []) {
      if (progress.call !== index) this.#tellDone(choice, progress);
      progress.call = index;
      const called = choice.message.tool_calls?.[index]?.function;
      if (called === undefined) continue;
      this._emit("tool_calls.function.arguments.delta", {
        ...called,
        index,
        parsed_arguments: undefined,
        arguments_delta: piece?.arguments ?? "",
      });
    }
    if (choice.finish_reason) this.#tellDone(choice, progress);
  }

  /** Tells of what was growing and will not any more. */
  #tellDone({ message }: ChatCompletionSnapshot.Choice, progress: Progress): void {
    const { content, refusal, tool_calls } = message;
    if (content && !progress.isContentDone) {
      progress.isContentDone = true;
      const value = this.#isParsed ? parsedContent<T>(content, this.#params) : null;
      this._emit("content.done", { content, parsed: value });
    }
    if (refusal && !progress.isRefusalDone) {
      progress.isRefusalDone = true;
      this._emit("refusal.done", { refusal });
    }
    const index = progress.call;
    const called = index === undefined ? undefined : tool_calls?.[index]?.function;
    if (index === undefined || called === undefined) return;
    progress.call = undefined;
    const parsed_arguments = parsedArguments(called.name, called.arguments, this.#params);
    this._emit("tool_calls.function.arguments.done", { ...called, index, parsed_arguments });
  }
}
