// Drives the page's engine without the page: the same worker, asked by messages as the page asks it.

/** A job as the engine is asked for it: one text, streamed, to the simulated endpoint. */
export function job(endpoint, plan, more = {}) {
  return {
    endpoint: typeof endpoint === "string" ? { simulated: endpoint } : endpoint,
    key: null,
    model: "m",
    prompt: { text: "Hello!" },
    system: null,
    nonce: true,
    max_tokens: null,
    stream: true,
    retries: null,
    timeout_ms: null,
    plan,
    ...more,
  };
}

/** A plan of so many requests, so many at once. */
export const closed = (requests, concurrency) => ({ load: { mode: "closed", concurrency }, requests });

/** A ladder with short windows: enough for servers whose figures hardly vary. */
export const ladder = (max) => ({
  load: {
    mode: "ladder",
    max,
    window_min_s: 0.5,
    window_max_s: 3,
    settle_s: 2,
    completions_min: 20,
    verify_s: 1,
    recover_s: 2,
    rest_s: 0.1,
    repeat: false,
    stop_client_bound: false,
  },
});

/**
 * Runs a job in a tab that shows any page of the server; answers what was told:
 * `{ ticks, rungs, samples, connections, report, failed, settledMs }`. `stopAfter`: milliseconds after
 * which it is stopped; `settledMs` says how long that took.
 */
export function run(tab, ask, { stopAfter, hide } = {}) {
  return tab.evaluate(
    async ({ ask, stopAfter, hide }) => {
      // As the page does: one module, however many workers.
      globalThis.compiled ??= WebAssembly.compileStreaming(fetch("./kneepoint-web_bg.wasm"));
      const module = await globalThis.compiled;
      const worker = new Worker("./worker.js", { type: "module" });
      const told = { ticks: [], rungs: [], samples: [], connections: [], report: null, failed: null, settledMs: null };
      const tell = (ask) => worker.postMessage(JSON.stringify(ask));
      let stopped;
      await new Promise((resolve) => {
        worker.onerror = (event) => ((told.failed = `worker: ${event.message}`), resolve());
        worker.onmessage = ({ data }) => {
          const said = JSON.parse(data);
          if (said === "ready") {
            if (hide) tell({ visible: false });
            tell({ begin: ask });
            if (stopAfter !== undefined) setTimeout(() => ((stopped = performance.now()), tell("stop")), stopAfter);
          }
          if (said.tick) told.ticks.push(said.tick);
          if (said.rung) told.rungs.push(said.rung);
          if (said.samples) told.samples.push(...said.samples.list);
          if (said.connections) told.connections.push(said.connections);
          if (said.done) told.report = said.done;
          if (said.failed) told.failed = said.failed;
          if (said.done || said.failed) resolve();
        };
        worker.postMessage(module);
      });
      if (stopped !== undefined) told.settledMs = performance.now() - stopped;
      worker.terminate();
      return told;
    },
    { ask, stopAfter, hide },
  );
}
