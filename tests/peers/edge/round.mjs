// What all measurements of this folder need.

/** The value in the middle. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A simulated model's server: the address of its API, and what it says that it did. */
export function model(simulated, rules) {
  const base = `${simulated}/mock/${rules}`;
  return {
    url: `${base}/v1`,
    truth: async () => (await fetch(`${base}/stats`)).json(),
    reset: () => fetch(`${base}/reset`, { method: "POST" }),
  };
}

/** The settings of an endpoint in front of it. */
export function settingsFor({ url }, more = {}) {
  return { OPENAI_BASE_URL: url, OPENAI_API_KEY: "sk-bench", MODEL: "m", CACHE_SECONDS: "0", ...more };
}
