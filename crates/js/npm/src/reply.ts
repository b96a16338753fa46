/** What a transport keeps of a reply for its caller, and the platform's classes made of it. */

import { runtime } from "#runtime";

export interface Reply {
  readonly status: number;
  readonly url: string;
  /** The values by name in lower case, as whoever received them has them. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The body so far. */
  readonly chunks: Uint8Array[];
  /** Whether its connection had served before; unknown on most platforms. */
  readonly reused?: boolean | undefined;
  /** The body as JSON, once somebody has parsed it. */
  json?: unknown;
}

/** How an answer is read: as it is, as JSON, or as what one of the protocols calls an answer. */
export type AnswerKind = 0 | 1 | 2 | 3 | 4;

interface Answered {
  error?: unknown;
  object?: unknown;
  choices?: unknown;
  status?: unknown;
  type?: unknown;
  output?: unknown;
  content?: unknown;
  usage?: Record<string, unknown> | null;
}

/** Whether a body is plainly what it should be. Where it is not, the module judges it. */
export function isPlain(reply: Reply, kind: AnswerKind): boolean {
  if (kind === 0) return true;
  try {
    reply.json = JSON.parse(textOf(reply));
  } catch {
    return false;
  }
  const said = reply.json as Answered | null;
  if (typeof said !== "object" || said === null || Array.isArray(said)) return false;
  if (said.error != null || said.object === "error" || said.type === "error") return false;
  switch (kind) {
    case 2:
      return Array.isArray(said.choices) && said.choices.length > 0 && said.choices.every(isFinished);
    case 3:
      return said.status === "completed" && Array.isArray(said.output);
    case 4:
      return said.type === "message" && Array.isArray(said.content);
    default:
      return true;
  }
}

function isFinished(choice: unknown): boolean {
  const reason = (choice as { finish_reason?: unknown } | null)?.finish_reason;
  return typeof reason === "string" && reason !== "error";
}

/** Tokens that an answer says it used, of the prompt and of itself; NaN where it does not say. */
export function usedBy(reply: Reply): [number, number] {
  const usage = (reply.json as Answered | undefined)?.usage;
  const count = (...names: string[]) => {
    const known = names.map((name) => usage?.[name]).find((value) => typeof value === "number");
    return known === undefined ? Number.NaN : (known as number);
  };
  return [count("prompt_tokens", "input_tokens"), count("completion_tokens", "output_tokens")];
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
  return [id].flat()[0] ?? null;
}

/** The body as text. */
export function textOf(reply: Reply): string {
  return runtime.text(reply.chunks);
}

/** Statuses that may have no body. */
const EMPTY = [101, 103, 204, 205, 304];

/** A platform's response with this body. */
export function responseOf(reply: Reply, body: BodyInit | null): Response {
  const init = { status: reply.status, headers: headersOf(reply) };
  const response = new Response(EMPTY.includes(reply.status) ? null : body, init);
  Object.defineProperty(response, "url", { value: reply.url });
  return response;
}
