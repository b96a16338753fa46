/**
 * Texts that know until when they may be served, and whether they are whole.
 *
 * For stores that keep an entry for longer than they are told: Cloudflare KV for a minute at least,
 * and a browser's Cache API until it needs the room.
 */

const HEAD = /^kneepoint (\d+) (\d+)\n/;

/** The text, with a line before it that says for how long it may be served. */
export function dated(text: string, ttl: number): string {
  const until = Math.min(Math.ceil(Date.now() + ttl), Number.MAX_SAFE_INTEGER);
  return `kneepoint ${until} ${text.length}\n${text}`;
}

/** The text without that line, unless its time is over. What is not as it was written is an error. */
export function undated(found: string): string | undefined {
  const [head, until, length] = HEAD.exec(found) ?? [];
  if (head === undefined) throw new Error("it answered with a text that was not put there by this store");
  const text = found.slice(head.length);
  if (text.length !== Number(length)) throw new Error(`it answered with ${text.length} of ${length} characters`);
  return Date.now() < Number(until) ? text : undefined;
}
