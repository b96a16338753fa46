/** Runs through the proxy of a kneepoint-server, which has the key itself. */

/** Below this path a kneepoint-server passes calls on. */
const PROXY = /^\/proxy\/[^/]+\//;

/** A server on this machine answers at once. */
const PATIENCE_MS = 5_000;

/** What such a proxy wants in the place of a key: the token of the server's run, which it tells
 * programs of its own machine. `undefined` for other addresses, and for a server that does not tell it:
 * its first answer says why. */
export async function tokenOf(address: string): Promise<string | undefined> {
  const { origin, pathname } = new URL(address);
  if (!PROXY.test(pathname)) return undefined;
  try {
    const answer = await fetch(`${origin}/server.json`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    const { token } = (await answer.json()) as { token?: unknown };
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}
