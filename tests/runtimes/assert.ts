// A few assertions, so that the suite runs where no test runner does.

/** Throws unless it holds. */
export function check(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Throws unless both are written alike. */
export function equal(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [written(found), written(expected)];
  check(a === b, `${what}: found ${a}, expected ${b}`);
}

/** Throws unless the text has this in it. */
export function includes(text: unknown, part: string, what: string): void {
  check(String(text).includes(part), `${what}: found ${written(text)}, expected "${part}" in it`);
}

function written(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (one === undefined ? "undefined" : one)) ?? "undefined";
}

/** How long anything may take that has no clock of its own: a bound for a hang, no expectation. */
const PATIENCE_MS = 15_000;

/** Waits until it holds. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    check(Date.now() < end, `${what}: not within ${PATIENCE_MS} ms`);
    await sleep(5);
  }
}

/** The value, unless it takes for ever. */
export async function settled<T>(promise: Promise<T>, what: string, patience = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not settled within ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
