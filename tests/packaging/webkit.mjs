// WebKit, Safari's engine, on Linux: by the driver of WebKitGTK, in a window that nobody sees.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a page is asked what it has said. */
const LOOK_MS = 200;

/** How long the driver may take to listen: a bound for a hang. */
const START_MS_MAX = 20_000;

const OPTIONS = { "webkitgtk:browserOptions": { args: ["--automation"] } };

/** A page can be told to call functions of ours before anything else runs in it, but not by this driver: it
 * then keeps what it would have said. Belongs into its document, before all other programs. */
export const KEEPER = `<script>
  for (const name of ["tellVerdict", "tellEnd"]) globalThis[name] ??= (...said) => (globalThis.said ??= []).push([name, said]);
</script>`;

/** Starts it; answers as much of a Playwright browser as the runtimes' tests ask for. */
export async function launchWebkit() {
  const screen = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x1000x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const driver = { origin: undefined, child: undefined };
  try {
    await once(screen, "spawn");
    const [display] = await once(createInterface({ input: screen.stdio[3] }), "line");
    const port = await unusedPort();
    driver.origin = `http://127.0.0.1:${port}`;
    driver.child = spawn("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], {
      stdio: "ignore",
      env: { ...process.env, DISPLAY: `:${display}` },
    });
    await once(driver.child, "spawn");
    const { sessionId } = await started(driver);
    return {
      newPage: async () => new Page(driver, `/session/${sessionId}`),
      async close() {
        await ask(driver, "DELETE", `/session/${sessionId}`).catch(() => {});
        driver.child.kill();
        screen.kill();
      },
    };
  } catch (error) {
    driver.child?.kill();
    screen.kill();
    throw new Error(`WebKit did not start (Debian: apt-get install webkit2gtk-driver xvfb): ${error.message}`, { cause: error });
  }
}

/** A new session, as soon as the driver listens. */
async function started(driver) {
  for (const end = performance.now() + START_MS_MAX; ; ) {
    try {
      return await ask(driver, "POST", "/session", { capabilities: { alwaysMatch: OPTIONS } });
    } catch (error) {
      if (error.cause?.code !== "ECONNREFUSED" || performance.now() > end) throw error;
      await sleep(LOOK_MS);
    }
  }
}

async function ask({ origin }, method, path, body) {
  const answer = await fetch(`${origin}${path}`, { method, body: body === undefined ? null : JSON.stringify(body) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${value.message}`);
  return value;
}

class Page {
  #driver;
  #session;
  #functions = {};

  constructor(driver, session) {
    this.#driver = driver;
    this.#session = session;
  }

  /** It tells of no events. */
  on() {}

  exposeFunction(name, work) {
    this.#functions[name] = work;
  }

  async goto(url) {
    await ask(this.#driver, "POST", `${this.#session}/url`, { url });
    void this.#listen();
  }

  async #listen() {
    const script = "return globalThis.said?.splice(0) ?? []";
    for (let isOver = false; !isOver; await sleep(LOOK_MS)) {
      // Its end is the driver's, or the page's.
      const said = await ask(this.#driver, "POST", `${this.#session}/execute/sync`, { script, args: [] }).catch(() => undefined);
      isOver = said === undefined;
      for (const [name, values] of said ?? []) this.#functions[name](...values);
    }
  }
}

async function unusedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
