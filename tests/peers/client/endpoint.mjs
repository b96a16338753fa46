// The simulated endpoint for a measurement: the server as it is released, in a process of its own.

import { startServer } from "../sdk/server.mjs";

export const KEY = "sk-bench";

/** Resolves to `{ url, stop }`, where `url` is the base URL of the endpoint with these rules. */
export async function endpoint(rules) {
  const server = await startServer();
  return { url: `${server.http}/mock/${rules}/v1`, stop: server.stop };
}

/** Runs `work` until it has begun `count` times, `width` at a time. */
export async function times(count, width, work) {
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
