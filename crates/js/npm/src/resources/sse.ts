/** Events one by one, with their names: for those who want more of them than their data. */

import { bytesOf } from "../bytes.ts";
import { APIError, KneepointError } from "../errors.ts";

/** An event of an event stream. */
export interface ServerSentEvent {
  /** Its name, where it has one. */
  event: string | null;
  /** Its data, its lines joined. */
  data: string;
  /** Its lines as they came. */
  raw: string[];
}

/** The events of a response's body. Servers may leave out the blank line after the last one. */
export async function* _iterSSEMessages(
  response: Response,
  controller: AbortController,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { body } = response;
  if (body === null) throw bodiless(controller);
  let event = begun();
  for await (const line of linesOf(body)) {
    if (line !== "") note(event, line);
    else if (isFilled(event)) {
      yield event;
      event = begun();
    }
  }
  if (isFilled(event)) yield event;
}

/** What is thrown where there is nothing to read. */
export function bodiless(controller: AbortController): KneepointError {
  controller.abort();
  return new KneepointError("this response has no body to be read", { kind: "stream" });
}

/** The events with their data parsed. */
export async function* named<Item>(
  response: Response,
  controller: AbortController,
): AsyncGenerator<Item, void, undefined> {
  let isWhole = false;
  try {
    for await (const { event, data } of _iterSSEMessages(response, controller)) {
      if (data.trim() === "[DONE]") break;
      const said = JSON.parse(data) as { error?: object } | null;
      const error = said?.error || (event === "error" && said);
      if (error) throw new APIError(undefined, error, undefined, response.headers);
      yield { event, data: said } as Item;
    }
    isWhole = true;
  } finally {
    if (!isWhole) controller.abort();
  }
}

function begun(): ServerSentEvent {
  return { event: null, data: "", raw: [] };
}

function isFilled({ event, raw }: ServerSentEvent): boolean {
  return Boolean(event) || raw.some((line) => /^data(?::|$)/.test(line));
}

function note(event: ServerSentEvent, line: string): void {
  const isFirst = !event.raw.some((known) => /^data(?::|$)/.test(known));
  event.raw.push(line);
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") event.event = value;
  else if (name === "data") event.data = isFirst ? value : `${event.data}\n${value}`;
}

/** The lines of a body, ended by CR, LF or both. */
async function* linesOf(body: ReadableStream<unknown>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  // Joined where the line ends: a long one may come in many chunks.
  let rest: string[] = [];
  let isOver = false;
  try {
    while (!isOver) {
      const { value, done } = await reader.read();
      isOver = done;
      rest.push(done ? decoder.decode() : decoder.decode(bytesOf(value), { stream: true }));
      if (!isOver && !rest.slice(-2).some((text) => /[\r\n]/.test(text))) continue;
      // What follows a CR at the end may belong to it.
      const lines = rest.join("").split(isOver ? /\r\n|\r|\n/ : /\r\n|\r(?!$)|\n/);
      rest = [lines.pop() ?? ""];
      yield* lines;
    }
    if (rest[0] !== "") yield rest[0] as string;
  } finally {
    if (!isOver) reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}
