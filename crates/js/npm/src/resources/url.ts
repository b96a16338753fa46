/** Addresses of requests, as OpenAI's SDK builds them. Pure. */

import { KneepointError } from "../errors.ts";
import { isObject } from "../failure.ts";
import type { QueryOptions } from "../options.ts";

/** Whether a path is a whole address. */
export function isAbsolute(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** A name as one part of a path, which it can neither leave nor vanish from. */
export function segment(name: string): string {
  const part = String(name ?? "");
  if (!/^\.{0,2}$/.test(part)) return part.replace(/[^\w.~!$&'()*+,;=:@-]+/g, encodeURIComponent);
  throw new KneepointError(`found ${JSON.stringify(name)} as a part of a path, expected a name`, { kind: "config" });
}

/** Nested parameters under the names that OpenAI's SDK gives them: `a[b]`, and `a[]` for lists. */
export function flat(query: object): QueryOptions {
  const pairs: Record<string, string | string[] | undefined> = {};
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) add(`${name}[]`, item);
    else if (value instanceof Date) add(name, value.toISOString());
    else if (isObject(value)) {
      for (const [key, inner] of Object.entries(value)) add(`${name}[${key}]`, inner);
    } else if (value === undefined) pairs[name] ??= undefined;
    else if (name.includes("[]")) pairs[name] = [pairs[name] ?? [], String(value ?? "")].flat();
    else pairs[name] = String(value ?? "");
  };
  for (const [name, value] of Object.entries(query)) add(name, value);
  return pairs;
}

/** Parameters as they stand in a URL or a form. */
export function encoded(query: object): string {
  const parts = Object.entries(flat(query)).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return parts.join("&");
}

/** The address of a path, with its base's parameters, its own and these. */
export function addressOf(base: string, path: string, query: object): string {
  const [place = "", ...search] = isAbsolute(path) ? [] : base.split("?");
  const isDoubled = place.endsWith("/") && path.startsWith("/");
  const url = new URL(place + path.slice(Number(isDoubled)));
  const known = { ...Object.fromEntries(url.searchParams), ...query };
  const ofBase = [...new URLSearchParams(search.join("?"))].filter(([name]) => !Object.hasOwn(known, name));
  url.search = [...ofBase.map(([name, value]) => encoded({ [name]: value })), encoded(known)].filter(Boolean).join("&");
  return url.toString();
}

/** What no path holds as it is, and steps that lead nowhere. */
const ODD = /[^\w.~!$&'()*+,;=:@%/-]|\/\.{1,2}(?:\/|$)/;

/** The request with its path as URLs have it: what is odd is escaped, what belongs to the path's end is a
 * parameter like others, and no stronger than they are. */
export function withPath<Options extends { path: string; query?: object | null | undefined }>(
  options: Options,
  defaultQuery: object | null | undefined,
): Options {
  const { path, query } = options;
  if (!ODD.test(path) || !path.startsWith("/")) return options;
  const { pathname, searchParams } = new URL(`http://host${path}`);
  return { ...options, path: pathname, query: { ...Object.fromEntries(searchParams), ...defaultQuery, ...query } };
}
