// The endpoint on Node beside the same in Python, in turns: A B, B A, …

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { HOSTS, inProcess } from "../../edge/hosts.mjs";
import { median, model, settingsFor } from "./round.mjs";
import { quantile, visit } from "./visitors.mjs";

const ROUNDS = 5;
const VISITORS = 100;
/** How long the model takes, in milliseconds, and how many words it says. */
const TTFT_MS = 20;
const WORDS = 8;

/** Requests before the clock starts: they compile the code. */
const FIRST = 2000;

/** Connections are counted where the model is slow enough for both to hold all visitors' calls at
 * once: a host that is too slow to ask needs few. */
const SLOW_TTFT_MS = 1000;
const SLOW_COUNT = 400;

const here = dirname(fileURLToPath(import.meta.url));

/** Who is measured, and by how many requests: for some seconds each. */
const SIDES = {
  ours: { count: 10_000, start: (folder, settings) => HOSTS.node(folder, settings) },
  FastAPI: { count: 2000, start: (_, settings) => inProcess(here, settings, uvicorn) },
};

const uvicorn = (port) => [
  process.env.PYTHON,
  ...["-m", "uvicorn", "app:app", "--workers", "1", "--port", port, "--no-access-log"],
];

export async function beside({ folder, simulated }) {
  const rounds = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const names = Object.keys(SIDES);
    const round = {};
    for (const name of n % 2 === 0 ? names : names.toReversed()) {
      const seed = 2 * n + names.indexOf(name);
      const upstream = (ttft) => model(simulated, `ttft=${ttft},tokens=${WORDS},seed=${seed}`);
      round[name] = {
        ...(await served(SIDES[name], folder, upstream(TTFT_MS))),
        connections: await connections(SIDES[name], folder, upstream(SLOW_TTFT_MS)),
      };
    }
    rounds.push(round);
  }
  const each = (figure) => rounds.map(figure);
  const row = (what, unit, figures) => ({ what, unit, figure: median(figures), rounds: figures });
  const ratio = (what, figures, target, isMet) => {
    const known = row(what, "×", figures);
    return { ...known, target, met: isMet(known.figure) };
  };
  return [
    row(`Node, ${VISITORS} visitors: requests a second`, "", each(({ ours }) => ours.rate)),
    row("FastAPI: the same", "", each(({ FastAPI }) => FastAPI.rate)),
    ratio("requests a second, ours ÷ FastAPI", each(({ ours, FastAPI }) => ours.rate / FastAPI.rate), "≥ 5", (x) => x >= 5),
    row("Node: p99 that the endpoint adds to the model's", " ms", each(({ ours }) => ours.added)),
    row("FastAPI: the same", " ms", each(({ FastAPI }) => FastAPI.added)),
    ratio("added p99, ours ÷ FastAPI", each(({ ours, FastAPI }) => ours.added / FastAPI.added), "≤ 1/3", (x) => x <= 1 / 3),
    row(`Node: connections to a model that takes ${SLOW_TTFT_MS} ms`, "", each(({ ours }) => ours.connections)),
    row("FastAPI: the same", "", each(({ FastAPI }) => FastAPI.connections)),
    ratio("connections, ours ÷ FastAPI", each(({ ours, FastAPI }) => ours.connections / FastAPI.connections), "≤ 1", (x) => x <= 1),
  ];
}

/** What an endpoint does for its visitors, once it is warm. */
async function served({ count, start }, folder, upstream) {
  return during(start, folder, upstream, async (load) => {
    await load(FIRST);
    const { seconds, waits } = await load(count);
    return { rate: count / seconds, added: quantile(waits, 0.99) - TTFT_MS };
  });
}

/** The connections that it opens to a model for visitors who all wait at once. */
async function connections({ start }, folder, upstream) {
  return during(start, folder, upstream, async (load) => {
    await load(SLOW_COUNT);
    return (await upstream.truth()).connections;
  });
}

/** Does `work` with an endpoint that has just started, and with what lets visitors ask it. Either side
 * may hold as many requests as there are visitors, whatever it sees of the model's server: what is
 * measured is what it costs, on a machine that it keeps busy. */
async function during(start, folder, upstream, work) {
  const { origin, stop } = await start(folder, settingsFor(upstream, { LIMIT: `${VISITORS}` }));
  try {
    return await work((count) => visit(origin, { visitors: VISITORS, count, promptOf: (n) => `question ${n}` }));
  } finally {
    await stop();
  }
}
