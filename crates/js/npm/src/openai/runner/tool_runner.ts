/** Whole completions, and the calls of functions between them. */

import { KneepointError } from "../../errors.ts";
import type * as chat from "../../resources/types/chat.ts";
import type { ChatCompletionMessageParam } from "../../resources/types/message.ts";
import { Conversation, type ConversationEvents } from "./conversation.ts";
import { parsed } from "./parse.ts";
import { converse, type RunnerOptions, type ToolRunnerParams } from "./tools.ts";

/** What a run of tools tells. */
export interface ChatCompletionRunnerEvents<T> extends ConversationEvents<T> {
  /** What the model said, once for each completion. */
  content: (content: string) => void;
}

/** Sends a request. */
type Asker = (
  body: chat.ChatCompletionCreateParamsNonStreaming,
  signal: AbortSignal,
) => Promise<chat.ChatCompletion>;

/** Asks a chat model, calls the functions that it wants to be called, and goes on until it wants none. */
export class ChatCompletionRunner<T = null> extends Conversation<ChatCompletionRunnerEvents<T>, T> {
  /** Begins to talk. @internal */
  static _with<T>(params: ToolRunnerParams, ask: Asker, options: RunnerOptions): ChatCompletionRunner<T> {
    const runner = new ChatCompletionRunner<T>();
    runner._heed(options.signal);
    const plain = runner as unknown as Conversation<ConversationEvents<T>, T>;
    runner._run(() => converse<T>(plain, params, options, (body) => runner.#complete(ask, body)));
    return runner;
  }

  async #complete(
    ask: Asker,
    body: chat.ChatCompletionCreateParamsBase,
  ): Promise<chat.ParsedChatCompletion<T>> {
    if ((body.n ?? 1) > 1) {
      throw new KneepointError(`n: found ${body.n}, expected 1: a conversation goes on with one answer`, {
        kind: "config",
        option: "n",
      });
    }
    const completion = await ask({ ...body, stream: false }, this.controller.signal);
    this._emit("connect");
    const answer = parsed<T>(completion, body);
    this._addCompletion(answer);
    return answer;
  }

  /** @internal */
  override _addMessage(message: ChatCompletionMessageParam): void {
    super._addMessage(message);
    if (message.role === "assistant" && message.content) this._emit("content", message.content as string);
  }
}
