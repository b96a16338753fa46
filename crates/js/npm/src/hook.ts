/** Functions of the user's that are told of things, and must not be able to spoil them. */

/** Calls the hook. What it throws, at once or later, goes where errors of event listeners go that
 * nobody catches: to the console. */
export function tellHook<T>(hook: ((news: T) => unknown) | undefined, news: T): void {
  try {
    const done = hook?.(news);
    if (done instanceof Promise) done.catch(complain);
  } catch (error) {
    complain(error);
  }
}

function complain(error: unknown): void {
  console.error("kneepoint: a hook failed:", error);
}
