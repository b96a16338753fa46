/** What a transport keeps of a reply for its caller, and the platform's classes made of it. */

import { runtime } from "#runtime";

export interface Reply {
  readonly status: number;
  /** The server's words for the status; missing where they did not come. */
  readonly statusText?: string | undefined;
  readonly url: string;
  /** The values by name in lower case, as whoever received them has them. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The body so far. */
  readonly chunks: Uint8Array[];
  /** Whether its connection had served before; unknown on most platforms. */
  readonly reused?: boolean | undefined;
  /** The connection's protocol: `http/1.1`, `h2`; unknown on most platforms. */
  readonly protocol?: string | undefined;
  /** For how many milliseconds the request waited for it; unknown on most platforms. */
  readonly waited?: number | undefined;
  /** The body as JSON, once somebody has parsed it. */
  json?: unknown;
}

/** How a whole answer is read, by the module's numbers: as it is, as JSON, or as what one of the protocols calls
 * an answer. 0 where it is not read as a whole. */
export const READING = { asIs: 1, json: 2, chat: 3, responses: 4, messages: 5 } as const;

export type Reading = (typeof READING)[keyof typeof READING];

interface Answered {
  id?: unknown;
  error?: unknown;
  object?: unknown;
  choices?: unknown;
  status?: unknown;
  type?: unknown;
  output?: unknown;
  content?: unknown;
  stop_reason?: unknown;
  usage?: Record<string, unknown> | null;
}

/** What the protocols' answers are told by. */
const TELLING = ["choices", "output", "content", "status"];

/** Whether it is an answer of a shape that nobody here knows: it has a name, and nothing to judge it by. */
function isForeign(said: Answered): boolean {
  return typeof said.id === "string" && !TELLING.some((name) => name in said);
}

/** Whether a body is plainly what it should be. Where it is not, the module judges it. */
export function isPlain(reply: Reply, reading: Reading): boolean {
  if (reading === READING.asIs) return true;
  try {
    reply.json = JSON.parse(textOf(reply));
  } catch {
    return false;
  }
  const said = reply.json as Answered | null;
  if (typeof said !== "object" || said === null || Array.isArray(said)) return false;
  if (said.error || said.object === "error" || said.type === "error") return false;
  if (isForeign(said)) return true;
  switch (reading) {
    case READING.chat:
      return Array.isArray(said.choices) && said.choices.length > 0 && said.choices.every(isFinished);
    case READING.responses:
      return said.status === "completed" && isFilled(said.output);
    case READING.messages:
      return said.type === "message" && isFilled(said.content);
    default:
      return true;
  }
}

interface Choice {
  finish_reason?: unknown;
  text?: unknown;
  message?: { content?: unknown; tool_calls?: unknown } | null;
}

function isFinished(choice: Choice | null): boolean {
  if (ENDS[String(choice?.finish_reason)] === undefined) return false;
  return isFilled(choice?.message?.content ?? choice?.text) || isFilled(choice?.message?.tool_calls);
}

function isFilled(part: unknown): boolean {
  return (typeof part === "string" || Array.isArray(part)) && part.length > 0;
}

/** Tokens that an answer says it used, of the prompt, of itself and of a cache; NaN where it does not
 * say. */
export function usedBy(reply: Reply): [number, number, number] {
  const usage = (reply.json as Answered | undefined)?.usage;
  if (usage == null) return [Number.NaN, Number.NaN, Number.NaN];
  const details = (usage["prompt_tokens_details"] ?? usage["input_tokens_details"]) as Record<string, unknown>;
  return [
    count(usage["prompt_tokens"] ?? usage["input_tokens"]),
    count(usage["completion_tokens"] ?? usage["output_tokens"]),
    count(
      details?.["cached_tokens"] ??
        usage["prompt_cache_hit_tokens"] ??
        usage["cache_read_input_tokens"] ??
        usage["cached_tokens"],
    ),
  ];
}

function count(tokens: unknown): number {
  return typeof tokens === "number" ? tokens : Number.NaN;
}

/** Why an answer ended, by the module's numbers. */
const FINISH = { untold: 0, stop: 1, length: 2, toolCalls: 3, contentFilter: 4 } as const;

/** The protocols' words for it. */
const ENDS: Readonly<Record<string, number>> = {
  stop: FINISH.stop,
  end_turn: FINISH.stop,
  stop_sequence: FINISH.stop,
  length: FINISH.length,
  max_tokens: FINISH.length,
  tool_calls: FINISH.toolCalls,
  tool_use: FINISH.toolCalls,
  content_filter: FINISH.contentFilter,
};

/** Why a plain answer ended; untold also where that is said in a word of its own. */
export function finishOf(reply: Reply): number {
  const said = reply.json as Answered | undefined;
  const choices = said?.choices as Choice[] | undefined;
  return ENDS[String(choices?.[0]?.finish_reason ?? said?.stop_reason)] ?? FINISH.untold;
}

/** The reply's header fields. */
export function headersOf(reply: Reply): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(reply.headers)) {
    for (const one of [value].flat()) headers.append(name, one);
  }
  return headers;
}

/** The server's name for the request. */
export function requestIDOf(reply: Reply): string | null {
  const id = reply.headers["x-request-id"] ?? reply.headers["request-id"];
  return (Array.isArray(id) ? id[0] : id) ?? null;
}

/** The body as text. */
export function textOf(reply: Reply): string {
  return runtime.text(reply.chunks);
}

/** Statuses that may have no body. */
const EMPTY = [101, 103, 204, 205, 304];

/** A platform's response with this body. */
export function responseOf(reply: Reply, body: ConstructorParameters<typeof Response>[0]): Response {
  const init = { status: reply.status, headers: headersOf(reply) };
  const response = new Response(EMPTY.includes(reply.status) ? null : body, init);
  // Not among what it is made with: servers' words may be more than it takes.
  Object.defineProperties(response, { url: { value: reply.url }, statusText: { value: reply.statusText ?? "" } });
  return response;
}
