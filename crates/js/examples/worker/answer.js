// What visitors get, and the line that is logged of it: answers, events and errors, with the time
// that they took. Nothing here says what the key is, or where in the code something failed.

import { KneepointError } from "kneepoint";

import { Refusal } from "./input.js";

/** What visitors are told where calls wait for their turn, or for another try. */
export const BUSY = "too many are waiting; try again later";

/** An answer of JSON. `told` is what the client tells of the calls behind it. */
export function answered(visit, body, told = {}) {
  const { timings = [], usage } = told;
  const figures = figuresOf(visit, timings);
  log(visit, 200, { ...figures, usage });
  return Response.json(body, { headers: headersOf(figures) });
}

/** An answer as server-sent events: `data` for each piece of text, then `done` or `error`. */
export function eventsOf(visit, { text, pieces, first, cache }) {
  const headers = headersOf({ cache, first: performance.now() - visit.began });
  let next = first;
  let isOver = false;

  // Who leaves is told of twice: by the call that is taken back, and by the reader that is gone.
  function end(status, figures) {
    if (!isOver) log(visit, status, figures);
    isOver = true;
  }

  async function ended() {
    const { usage, timing } = await text.result();
    const figures = figuresOf(visit, [timing]);
    end(200, { ...figures, usage });
    return event({ usage, ...figures }, "done");
  }

  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = next ?? (await pieces.next());
        next = undefined;
        controller.enqueue(done ? await ended() : event({ text: value }));
        if (done) controller.close();
      } catch (failure) {
        const { status, error } = problemOf(failure);
        end(status, { code: error.code, reason: reasonOf(failure) });
        controller.enqueue(event({ error }, "error"));
        controller.close();
      }
    },
    async cancel() {
      await pieces.return();
      end(499, { code: "visitor_left" });
    },
  });
  return new Response(body, { headers: { ...headers, "content-type": "text/event-stream" } });
}

const encoder = new TextEncoder();

function event(data, name) {
  const lines = [...(name ? [`event: ${name}`] : []), `data: ${JSON.stringify(data)}`];
  return encoder.encode(`${lines.join("\n")}\n\n`);
}

/** What went wrong, as the visitor is told it. */
export function failed(visit, failure) {
  const { status, headers, error } = problemOf(failure);
  const figures = figuresOf(visit, []);
  log(visit, status, { ...figures, code: error.code, reason: reasonOf(failure) });
  return Response.json({ error }, { status, headers: { ...headersOf(figures), ...headers } });
}

/** The status that fits a failure, what is said of it, and in which headers. */
export function problemOf(failure) {
  const [status, code, message] = verdictOn(failure);
  const headers = failure instanceof Refusal ? failure.headers : {};
  const seconds = Math.ceil((failure?.retryAfter ?? 0) / 1000);
  if (seconds === 0) return { status, headers, error: { code, message } };
  return {
    status,
    headers: { ...headers, "retry-after": `${seconds}` },
    error: { code, message, retry_after: seconds },
  };
}

function verdictOn(error) {
  if (error instanceof Refusal) return [error.status, error.code, error.message];
  if (error?.name === "AbortError") return [499, "visitor_left", "the request was taken back"];
  if (!(error instanceof KneepointError)) return [500, "internal", "this endpoint failed; try again"];
  switch (error.kind) {
    case "status":
      return verdictOnStatus(error);
    case "timeout":
      return [504, "timeout", "the model took too long; ask for less, or try again"];
    case "queue_full":
    case "paused":
      return [503, "busy", BUSY];
    case "aborted":
      return [499, "visitor_left", "the request was taken back"];
    case "config":
      return [500, "misconfigured", `this endpoint's settings are wrong: look at ${error.option}`];
    default:
      return [502, "upstream_failed", "the model's server could not be reached, or broke off; try again"];
  }
}

function verdictOnStatus({ status, retryable }) {
  if (status === 429 && retryable) return [429, "rate_limited", "the model's limit is reached; try again later"];
  if (status === 429) return [502, "no_credit", "the account of this endpoint has no credit left"];
  if (status === 401 || status === 403) return [502, "key_refused", "the model's server refused this endpoint's key"];
  if (status === 503 || status === 529) return [503, "overloaded", "the model's server is overloaded; try again later"];
  if (status === 400 || status === 413 || status === 422) {
    return [status, "prompt_refused", "the model's server refused the prompt; shorten or change it"];
  }
  return [502, "upstream_failed", `the model's server answered with status ${status}; try again later`];
}

/** Failures that quote the model's server, which may repeat the prompt, or what it had answered. */
const QUOTING = new Set(["status", "in_band", "answer", "stream", "interrupted"]);

/** Why something failed, as the log may know it. */
function reasonOf(failure) {
  const { kind, status, message } = failure ?? {};
  if (!(failure instanceof KneepointError && QUOTING.has(kind))) return message;
  return status === undefined ? kind : `${kind} ${status}`;
}

/** The figures of all calls behind an answer, in milliseconds. */
function figuresOf(visit, timings) {
  const total = performance.now() - visit.began;
  if (timings.length === 0) return { total };
  const most = (figure) => Math.max(...timings.map(figure));
  return {
    cache: [...new Set(timings.map(({ cache }) => cache))].join(", "),
    attempts: timings.reduce((sum, { attempts }) => sum + attempts.length, 0),
    queue: most(({ queued }) => queued),
    first: most(({ attempts }) => attempts.at(-1)?.firstToken ?? attempts.at(-1)?.headers ?? 0),
    total,
  };
}

/** Answers are their asker's: nobody on the way may keep them. */
function headersOf({ cache, queue, attempts, first, total }) {
  const times = Object.entries({ queue, first, total }).filter(([, millis]) => millis !== undefined);
  const metrics = times.map(([name, millis]) => `${name};dur=${millis.toFixed(1)}`);
  if (attempts !== undefined) metrics.push(`attempts;desc="${attempts}"`);
  return {
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
    "server-timing": metrics.join(", "),
    ...(cache && { "x-cache": cache }),
  };
}

function log({ method, url }, status, { usage, ...figures }) {
  const round = (value) => (typeof value === "number" ? Number(value.toFixed(1)) : value);
  const known = Object.entries(figures).map(([name, value]) => [name, round(value)]);
  console.log(JSON.stringify({ method, path: url?.pathname, status, ...Object.fromEntries(known), ...usage }));
}
