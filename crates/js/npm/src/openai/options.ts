/** What the drop-in's client is told, and the same in our words. */

import { runtime } from "#runtime";
import { KneepointError } from "../errors.ts";
import { kindOf, refuse } from "../failure.ts";
import { flat } from "../resources/url.ts";
import { levelOf } from "../log.ts";
import { type ClientOptions as Options, fieldsOf, type HeaderOptions, isClientOption, takesNull } from "../options.ts";

/** What a client is told: Kneepoint's options, read as OpenAI's SDK reads them. */
export interface ClientOptions extends Omit<Options, "timeout"> {
  /** Each attempt until its answer begins, in ms. Default: 600,000. */
  timeout?: number | undefined;
  /** The key of the administration, for requests that ask for it. Default: `OPENAI_ADMIN_KEY`. */
  adminAPIKey?: string | null | undefined;
  /** Kept for programs that read it; nothing here uses it. Default: `OPENAI_WEBHOOK_SECRET`. */
  webhookSecret?: string | null | undefined;
  /** The region that OpenAI is to keep and process data in, in place of a `baseURL`. */
  dataResidency?: keyof typeof REGIONS | null | undefined;
}

/** Milliseconds that an attempt may take where nobody says otherwise. */
export const DEFAULT_TIMEOUT = 600_000;

/** Retries of one call where nobody says otherwise. */
export const DEFAULT_RETRIES = 2;

const SILENCE_MS_MAX = 120_000;

/** Options of OpenAI's SDK that the client of the module does not know. */
const OWN = ["adminAPIKey", "webhookSecret", "dataResidency"];

/** What goes before the name of OpenAI's host. */
const REGIONS = { global: "", us: "us.", eu: "eu.", ae: "ae.", au: "au.", in: "in.", jp: "jp." };

/** The names that no option has. */
export function unknownIn(options: ClientOptions): string[] {
  return Object.keys(options).filter((name) => !isClientOption(name) && !OWN.includes(name));
}

/** An option, or the variable that stands in for it. */
export function variableFor(option: string | null | undefined, name: string): string | null {
  return option === undefined ? (runtime.variable(name) ?? null) : option;
}

/** Refuses a time under the name that whoever wrote it knows, which becomes another one's here. */
export function checkTimeout(timeout: unknown): void {
  if (typeof timeout === "number" && timeout > 0) return;
  throw refuse("timeout", kindOf(timeout), "a number of milliseconds above 0");
}

/** The options with the address of the region that they name. */
export function placed({ dataResidency: region, ...options }: ClientOptions): ClientOptions {
  if (region == null) return options;
  if (Object.hasOwn(options, "baseURL")) {
    throw refuse("dataResidency", "a `baseURL` beside it", "one of both");
  }
  if (!Object.hasOwn(REGIONS, region)) {
    throw refuse("dataResidency", JSON.stringify(region), `one of ${Object.keys(REGIONS).join(", ")}`);
  }
  return { ...options, baseURL: `https://${REGIONS[region]}api.openai.com/v1` };
}

/** The SDK's options in our words. */
export function translated({ timeout: given, ...options }: ClientOptions): Options {
  const timeout = given ?? DEFAULT_TIMEOUT;
  checkTimeout(timeout);
  // Null is nothing said, but for the options that it says something of.
  const isSaid = ([name, value]: [string, unknown]) => isClientOption(name) && (value !== null || takesNull(name));
  const known = Object.fromEntries(Object.entries(options).filter(isSaid));
  const hasAdminKey = Boolean(variableFor(options.adminAPIKey, "OPENAI_ADMIN_KEY"));
  const apiKey = options.apiKey === undefined ? runtime.variable("OPENAI_API_KEY") : options.apiKey;
  if (apiKey === undefined && !hasAdminKey) {
    throw new KneepointError(
      "Missing credentials: found neither the option `apiKey` nor the variable `OPENAI_API_KEY`, and no " +
        "`adminAPIKey` or `OPENAI_ADMIN_KEY`; expected a key, or `apiKey: null` for a server that wants none",
      { kind: "config", option: "apiKey", phase: "queue" },
    );
  }
  const { base, parameters } = partsOf(options.baseURL);
  const defaultQuery = { ...parameters, ...flat(options.defaultQuery ?? {}) };
  return {
    attemptTimeout: timeout,
    // A stream that falls silent must not outlast what a whole answer may take.
    firstTokenTimeout: timeout,
    idleTimeout: Math.min(SILENCE_MS_MAX, timeout),
    ...known,
    ...(base === undefined ? {} : { baseURL: base }),
    ...(Object.keys(defaultQuery).length === 0 ? {} : { defaultQuery }),
    // A word that is none is worth a warning to OpenAI's SDK.
    logLevel: levelOf(options.logLevel, "ClientOptions.logLevel", options.logger ?? console),
    ...withVariable(options.defaultHeaders ?? undefined),
    timeout: null,
  };
}

/** A base address without its parameters, which go with each request. Default: the variable's. */
export function partsOf(baseURL: string | null | undefined): {
  base?: string;
  search: string;
  parameters: Record<string, string[]>;
} {
  const whole = baseURL === undefined ? runtime.variable("OPENAI_BASE_URL") : baseURL;
  const mark = typeof whole === "string" ? whole.indexOf("?") : -1;
  if (typeof whole !== "string" || mark < 0) return { search: "", parameters: {} };
  const search = whole.slice(mark).replace(/#.*$/s, "");
  const found = new URLSearchParams(search);
  const parameters = Object.fromEntries(Array.from(found.keys(), (name) => [name, found.getAll(name)]));
  return { base: whole.slice(0, mark), search, parameters };
}

/** The client's header fields on top of those in `OPENAI_CUSTOM_HEADERS`, one in a line of that. */
function withVariable(headers: HeaderOptions | undefined): { defaultHeaders?: HeaderOptions } {
  const lines = runtime.variable("OPENAI_CUSTOM_HEADERS");
  if (lines === undefined) return {};
  const pairs = lines.split("\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  return { defaultHeaders: [...pairs, ...pairsOf(headers)] };
}

/** Header fields, a pair for each. */
export function pairsOf(headers: HeaderOptions | undefined): [string, string | null][] {
  const parts: (string | null)[] = [];
  fieldsOf(headers, parts);
  return Array.from({ length: parts.length / 2 }, (_, i) => [parts[2 * i] as string, parts[2 * i + 1] as string | null]);
}
