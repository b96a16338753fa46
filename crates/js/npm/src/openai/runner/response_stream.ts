/** A streamed response that puts itself together and tells of what it finds. */

import { APIUserAbortError, KneepointError } from "../../errors.ts";
import { Stream } from "../../resources/streaming.ts";
import type {
  ResponseFunctionCallArgumentsDeltaEvent,
  ResponseStreamEvent,
  ResponseTextDeltaEvent,
} from "../../resources/types/response_events.ts";
import type { Response } from "../../resources/types/responses.ts";
import { type BaseEvents, EventStream } from "./events.ts";
import { gatherResponse, grownBy } from "./response_gather.ts";
import { type ParsedResponse, parsedResponse, type ResponseParams } from "../../resources/response_parse.ts";

/** An event that adds to a text, and all of it so far. */
export type ResponseDeltaEvent = (ResponseTextDeltaEvent | ResponseFunctionCallArgumentsDeltaEvent) & {
  snapshot: string;
};

/** Each event under its own type, those that add to a text with all of it so far. */
type ByType = {
  [Type in ResponseStreamEvent["type"]]: (event: Told<Extract<ResponseStreamEvent, { type: Type }>>) => void;
};
type Told<Event extends ResponseStreamEvent> = Event["type"] extends ResponseDeltaEvent["type"]
  ? Event & { snapshot: string }
  : Event;

/** What a streamed response tells: each event as `event` and under its own type. */
export interface ResponseStreamEvents extends BaseEvents, Omit<ByType, "error"> {
  event: (event: ResponseStreamEvent) => void;
  [type: `response.${string}`]: (event: never) => void;
}

/** A streamed response. */
export class ResponseStream<T = null>
  extends EventStream<ResponseStreamEvents>
  implements AsyncIterable<ResponseStreamEvent>
{
  readonly #params: ResponseParams;
  readonly #after: number;
  #snapshot: Response | undefined;
  #final: ParsedResponse<T> | undefined;

  /** `after` is the number of the last event that nobody needs to be told of. @internal */
  constructor(params: ResponseParams, after = -1) {
    super();
    this.#params = params;
    this.#after = after;
  }

  /** Begins to read. @internal */
  _begin(
    open: (signal: AbortSignal) => Promise<Stream<ResponseStreamEvent>>,
    signal: AbortSignal | null | undefined,
  ): this {
    this._heed(signal);
    this._run(async () => this.#read(await open(this.controller.signal)));
    return this;
  }

  /** The response whose events somebody else's `toReadableStream` has sent. */
  static fromReadableStream(stream: ReadableStream): ResponseStream<null> {
    const reading = new ResponseStream<null>(null);
    return reading._begin(async () => Stream.fromReadableStream(stream, reading.controller), undefined);
  }

  /** Waits for the end, and answers the response. */
  async finalResponse(): Promise<ParsedResponse<T>> {
    await this.done();
    if (this.#final !== undefined) return this.#final;
    throw new KneepointError("this stream ended without a response", { kind: "truncated" });
  }

  /** The events from here on. */
  [Symbol.asyncIterator](): AsyncIterator<ResponseStreamEvent> {
    const events = this.events("event");
    return {
      next: async () => {
        const { value, done } = await events.next();
        return done ? { value: undefined, done: true } : { value: value[0], done: false };
      },
      return: async () => {
        this.abort();
        return { value: undefined, done: true };
      },
    };
  }

  async #read(stream: Stream<ResponseStreamEvent>): Promise<void> {
    this._emit("connect");
    for await (const event of stream) this.#add(event);
    if (stream.controller.signal.aborted) throw new APIUserAbortError();
    if (this.#snapshot === undefined) {
      throw new KneepointError("this stream ended without an event", { kind: "truncated" });
    }
    this.#final = parsedResponse<T>(this.#snapshot, this.#params);
    this.#snapshot = undefined;
  }

  #add(event: ResponseStreamEvent): void {
    this.#snapshot = gatherResponse(this.#snapshot, event);
    if ((event.sequence_number ?? Infinity) <= this.#after) return;
    this._emit("event", event);
    const snapshot = grownBy(this.#snapshot, event);
    const told = snapshot === undefined ? event : { ...event, snapshot };
    this._emit(event.type as `response.${string}`, told as never);
  }
}
