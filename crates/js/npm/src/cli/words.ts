/** Numbers, times and names as people write them, and what is wrong with them. */

/** Something that the caller has to put right. */
export class UsageError extends Error {}

/** Something about a file, of which a help page says no more. */
export class FileError extends UsageError {}

const REASONS: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  EACCES: "that is not permitted",
  EROFS: "nothing can be written there",
  ENOSPC: "the disk is full",
};

/** Why a file could not be read or written. */
export function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

/** How many letters may differ in a name that is taken for another. */
const DISTANCE_MAX = 3;

/** `: did you mean …?` where a known name is close, else nothing. */
export function nearest(name: string, known: readonly string[]): string {
  const ranked = known.map((one) => ({ one, distance: distance(name, one) }));
  ranked.sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const isClose = best !== undefined && best.distance <= Math.min(DISTANCE_MAX, name.length / 2.5);
  return isClose ? `: did you mean ${best.one}?` : "";
}

/** Letters to change, add or leave out to make one of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Powers of ten that are read with the digits: a product of floats may miss the whole number. */
const MULTIPLES: Record<string, string> = { "": "", k: "e3", K: "e3", M: "e6" };

/** A whole number such as `1000`, `64k` or `2M`. */
export function count(flag: string, text: string, least = 1, most = 1e12): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)([kKM]?)$/.exec(text) ?? [];
  const value = Number(`${digits}${MULTIPLES[unit]}`);
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new UsageError(`${flag}: expected a whole number from ${least} to ${most}, found "${text}"`);
  }
  return value;
}

/** A number such as `2.5`. */
export function number(flag: string, text: string): number {
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(text)) {
    throw new UsageError(`${flag}: expected a number, found "${text}"`);
  }
  return Number(text);
}

const MILLIS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const DAY_MS = 86_400_000;

/** A time such as `500ms`, `30s` or `5m`, in milliseconds. */
export function time(flag: string, text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text) ?? [];
  const millis = Number(digits) * (MILLIS[unit] ?? Number.NaN);
  if (!(millis > 0 && millis <= DAY_MS)) {
    throw new UsageError(`${flag}: expected a time up to a day such as 500ms, 30s or 5m, found "${text}"`);
  }
  return millis;
}

/** A number of requests or a time. */
export function countOrTime(flag: string, text: string): { requests: number } | { duration: number } {
  return /^\d+(?:(?:\.\d+)?[kKM])?$/.test(text)
    ? { requests: count(flag, text) }
    : { duration: Math.round(time(flag, text)) };
}

/** The address of an endpoint. */
export function address(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${flag}: expected an address such as http://127.0.0.1:8000/v1, found "${text}"`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(`${flag}: leave name and password out of the address; keys come from the environment`);
  }
  if (/[?#]/.test(text)) throw new UsageError(`${flag}: give the base URL, without ? and # and what follows them`);
  const tail = /\/(?:chat\/completions|completions|messages|responses)\/?$/.exec(url.pathname);
  if (tail !== null) {
    throw new UsageError(`${flag}: give the base URL, without ${tail[0]}`);
  }
  return text;
}
