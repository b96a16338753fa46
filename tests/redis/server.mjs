// A Redis of the tests' own: on a free port of the loopback, in memory only, ended by its process.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** How long a server may take to start: a bound for a hang, no expectation. */
const START_MS_MAX = 15_000;

/** Starts `redis-server`, and again on the same port where one is given. */
export async function startRedis(port) {
  const at = port ?? (await unusedPort());
  const settings = ["--bind", "127.0.0.1", "--port", at, "--save", "", "--appendonly", "no", "--daemonize", "no"];
  const child = spawn(process.env.REDIS_SERVER ?? "redis-server", settings.map(String), { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  const late = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) if (/ready to accept connections/i.test(line)) return;
    throw new Error("redis-server ended before it was ready");
  })();
  await Promise.race([ready, ended.then(() => ready)]);
  clearTimeout(late);
  // What it says later must not fill the pipe.
  child.stdout.resume();
  return {
    port: at,
    /** Ends it at once, as a crash would. */
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    /** Stops it from answering, with its connections open. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
  };
}

async function unusedPort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
