// Visitors of an endpoint: a closed loop, each asking again as soon as it is answered.

import { Pool } from "undici";

/** Lets `visitors` ask `count` times in all. Answers how long it took in seconds, and how long each
 * of them waited in milliseconds. `promptOf` makes the prompt of the nth question. */
export async function visit(origin, { visitors, count, promptOf }) {
  const pool = new Pool(origin, { connections: visitors });
  const waits = [];
  let asked = 0;
  const ask = () =>
    new Promise((resolve, reject) => {
      const began = performance.now();
      const path = `/generate?prompt=${encodeURIComponent(promptOf(asked))}`;
      asked += 1;
      let status;
      let text = "";
      pool.dispatch(
        { path, method: "POST" },
        {
          onRequestStart() {},
          onResponseStart: (_, code) => (status = code),
          onResponseData: (_, chunk) => (text += chunk.latin1Slice()),
          onResponseEnd() {
            waits.push(performance.now() - began);
            if (status === 200 && text.startsWith('{"response":"')) resolve();
            else reject(new Error(`${path}: ${status} ${text}`));
          },
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  const visitor = async () => {
    while (asked < count) await ask();
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: visitors }, visitor));
  const seconds = (performance.now() - began) / 1000;
  await pool.close();
  return { seconds, waits: waits.sort((a, b) => a - b) };
}

/** The wait that a share of all did not exceed. */
export const quantile = (waits, share) => waits[Math.min(waits.length - 1, Math.ceil(share * waits.length) - 1)];
