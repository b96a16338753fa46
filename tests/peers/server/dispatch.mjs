// The fastest client that we know of in JavaScript: undici's `dispatch`, without promises or
// streams. `node dispatch.mjs URL COUNT CONNECTIONS` prints one line of JSON. With `unread` at the
// end the answers are dropped as they come, which no program does that wants them.

import { readFileSync } from "node:fs";
import { Pool } from "undici";

const [url, count, connections] = [new URL(process.argv[2]), ...process.argv.slice(3, 5).map(Number)];
const reads = process.argv[5] !== "unread";
const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve("undici/package.json"))));
const options = {
  path: url.pathname,
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"model":"m","messages":[{"role":"user","content":"Hello!"}],"max_tokens":100}',
};

/** Asks `total` times, with as many at once as there are connections. */
function ask(pool, total) {
  let [sent, answered] = [0, 0];
  return new Promise((resolve, reject) => {
    const next = () => {
      if (sent === total) return;
      sent += 1;
      const chunks = [];
      pool.dispatch(options, {
        onRequestStart() {},
        onResponseStart(_, status) {
          if (status !== 200) reject(new Error(`status ${status}`));
        },
        onResponseData(_, chunk) {
          if (reads) chunks.push(chunk);
        },
        onResponseEnd() {
          if (reads && !JSON.parse(Buffer.concat(chunks).toString()).choices) {
            reject(new Error("an answer without choices"));
          }
          answered += 1;
          if (answered === total) resolve();
          else next();
        },
        onResponseError: (_, error) => reject(error),
      });
    };
    for (let place = 0; place < connections; place += 1) next();
  });
}

const pool = new Pool(url.origin, { connections });
// Connections are opened and the code is compiled before the clock starts.
await ask(pool, Math.min(count, 10_000));
const [start, before] = [performance.now(), process.cpuUsage()];
await ask(pool, count);
const per_second = count / ((performance.now() - start) / 1000);
const { user, system } = process.cpuUsage(before);
await pool.close();
const who = `undici ${version} dispatch${reads ? "" : ", answers unread"}`;
console.log(JSON.stringify({ who, per_second, processor_us: (user + system) / count }));
