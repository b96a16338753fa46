/** Functions of the user's that are told of things, and must not be able to spoil them. */

/** Calls the hook. What it throws goes where errors of event listeners go that nobody catches: to
 * the console. */
export function tellHook<T>(hook: ((news: T) => void) | undefined, news: T): void {
  try {
    hook?.(news);
  } catch (error) {
    console.error("kneepoint: a hook failed:", error);
  }
}
