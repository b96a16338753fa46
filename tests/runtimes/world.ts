// What a promise is tried against: the simulated endpoint, and clients of it.

import { APIError, type ClientOptions, Kneepoint, KneepointError, type TextStream } from "kneepoint";
import type { KVLike } from "kneepoint/cache";

import { check, eventually, settled } from "./assert.ts";

/** Where the suite runs. */
export interface Place {
  runtime: "node" | "deno" | "bun" | "workerd" | "chromium" | "firefox" | "webkit";
  /** The simulated endpoint's origin, and the same under another name: browsers count connections
   * by name, and questions about calls must not wait behind them. */
  origin: string;
  side: string;
  /** An origin where nobody listens. */
  closed: string;
  /** Makes specs differ from those of other runs. */
  seed: number;
}

const BROWSERS: readonly Place["runtime"][] = ["chromium", "firefox", "webkit"];

/** What the endpoint says it did. */
export interface Truth {
  requests: number;
  accepted: number;
  rejected: number;
  completed: number;
  aborted: number;
  in_flight: number;
  in_flight_max: number;
  connections: number;
  redirected: number;
  redirected_credentials: number;
  attempts_by_key: Record<string, number>;
  duplicates: number;
}

/** The key of all clients. It must turn up nowhere. */
export const KEY = "sk-canary-7f3a9c51d2";

export const MODEL = { model: "m" };

let specs = 0;

/** One simulated endpoint with counters of its own. */
export class Endpoint {
  readonly baseURL: string;
  /** What its clients need besides. */
  readonly options: ClientOptions;
  readonly #truth: string;

  constructor(place: Place, rules: string, isApart = false) {
    specs += 1;
    // A seed that is given makes answers alike.
    const seed = rules.includes("seed=") ? "" : `,seed=${place.seed + specs}`;
    const spec = `${rules}${seed}`;
    const origin = isApart ? nameOfItsOwn(place) : place.origin;
    this.baseURL = `${origin}/mock/${spec}/v1`;
    this.options = isApart ? poolOfItsOwn(place) : {};
    this.#truth = `${place.side}/mock/${spec}/stats`;
  }

  async truth(): Promise<Truth> {
    const response = await fetch(this.#truth);
    check(response.ok, `${this.#truth}: ${response.status}`);
    return (await response.json()) as Truth;
  }

  /** Waits until the endpoint says so. */
  async until(holds: (truth: Truth) => boolean, what: string): Promise<void> {
    let last: Truth | undefined;
    try {
      await eventually(async () => holds((last = await this.truth())), what);
    } catch (error) {
      throw new Error(`${(error as Error).message}; ${JSON.stringify(last)}`);
    }
  }
}

/** The origin under a name that nobody used before, where the platform finds such names on its own machine. */
function nameOfItsOwn({ runtime, origin }: Place): string {
  return BROWSERS.includes(runtime) ? origin.replace("127.0.0.1", `apart${specs}.localhost`) : origin;
}

/** Deno's connections under one name are shared too, and it finds no other name; but it lends out pools. */
function poolOfItsOwn({ runtime }: Place): ClientOptions {
  if (runtime !== "deno") return {};
  const { Deno } = globalThis as unknown as { Deno: { createHttpClient(options: object): object } };
  return { fetchOptions: { client: Deno.createHttpClient({}) } };
}

/** Promises come with what they need, and clean up behind themselves. */
export class World {
  readonly place: Place;
  /** A namespace of Cloudflare's KV, where there is one. */
  readonly kv: KVLike | undefined;
  readonly #clients: Kneepoint[] = [];

  constructor(place: Place, kv?: KVLike) {
    this.place = place;
    this.kv = kv;
  }

  /** Whether failures of the network look all alike, as in browsers. */
  get isOpaque(): boolean {
    return BROWSERS.includes(this.place.runtime);
  }

  /** Whether it speaks to the endpoint by TLS, and so by HTTP/2 if it can. */
  get isEncrypted(): boolean {
    return this.place.origin.startsWith("https:");
  }

  /** The kind of a failure of the network. */
  get network(): "opaque" | "network" {
    return this.isOpaque ? "opaque" : "network";
  }

  endpoint(rules: string): Endpoint {
    return new Endpoint(this.place, rules);
  }

  /** One whose connections can be counted: in browsers and in Deno all clients share them, and what an earlier
   * promise left behind would come and go in between. */
  endpointApart(rules: string): Endpoint {
    return new Endpoint(this.place, rules, true);
  }

  /** Endpoints under one seed: their answers say the same. */
  twins(...rules: string[]): Endpoint[] {
    specs += 1;
    const seed = this.place.seed + specs;
    return rules.map((one) => this.endpoint(`${one},seed=${seed}`));
  }

  /** A client that tries once, unless it is told otherwise. */
  client(at: Endpoint | string, options: ClientOptions = {}): Kneepoint {
    const baseURL = typeof at === "string" ? at : at.baseURL;
    const client = new Kneepoint({
      baseURL,
      apiKey: KEY,
      maxRetries: 0,
      dangerouslyAllowBrowser: true,
      ...(typeof at === "string" ? {} : at.options),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Lets the module trap once while `work` enters it. */
  trap<T>(work: () => T): T {
    const now = performance.now;
    let isSprung = false;
    performance.now = () => {
      if (isSprung) return now.call(performance);
      isSprung = true;
      throw new WebAssembly.RuntimeError("unreachable");
    };
    try {
      return work();
    } finally {
      performance.now = now;
      check(isSprung, "the trap was entered");
    }
  }

  leave(): void {
    for (const client of this.#clients) client.dispose();
  }
}

/** One promise: its name, and how it is tried. */
export type Promises = Record<string, (world: World) => Promise<void>>;

/** The error of a call that must fail, and with nothing but an error of ours. */
export async function failure(call: Promise<unknown>, what = "the call"): Promise<APIError> {
  const error = await settled(
    call.then(
      (value) => new Error(`${what} succeeded with ${JSON.stringify(value)}`),
      (error: unknown) => error,
    ),
    what,
  );
  check(error instanceof KneepointError, `${what}: found ${String(error)}, expected a KneepointError`);
  check(!told(error).includes(KEY), `${what}: the error holds the key: ${told(error)}`);
  return error as APIError;
}

/** The same for options that must be refused at once. */
export function refusal(work: () => unknown, what: string): Promise<APIError> {
  return failure(
    new Promise((resolve) => resolve(work())),
    what,
  );
}

/** All that can be read off an error. */
export function told(error: unknown, depth = 3): string {
  if (!(error instanceof Error)) return typeof error === "object" ? JSON.stringify(error) : String(error);
  const headers = (error as { headers?: unknown }).headers;
  const fields = JSON.stringify({ ...error, headers: headers instanceof Headers ? [...headers] : undefined });
  const cause = depth > 0 && error.cause !== undefined ? told(error.cause, depth - 1) : "";
  return `${error.name} ${error.message} ${error.stack ?? ""} ${fields} ${cause}`;
}

/** A `fetch` whose replies reach nobody before they are let go, however late that is. */
export function heldBack(): { fetch: typeof fetch; letGo: () => void } {
  let letGo = (): void => {};
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const held: typeof fetch = async (...asked) => {
    const reply = await fetch(...asked);
    await gone;
    return reply;
  };
  return { fetch: held, letGo };
}

/** The pieces of a stream, and how it ended. */
export async function read(
  stream: TextStream,
  onPiece?: () => Promise<void>,
): Promise<{ text: string; error: APIError | undefined }> {
  let text = "";
  const error = await settled(
    (async () => {
      try {
        for await (const piece of stream) {
          text += piece;
          await onPiece?.();
        }
        return undefined;
      } catch (error) {
        return error;
      }
    })(),
    "the stream",
  );
  check(error === undefined || error instanceof KneepointError, `found ${String(error)}, expected a KneepointError`);
  check(!told(error).includes(KEY), `the error holds the key: ${told(error)}`);
  return { text, error: error as APIError | undefined };
}
