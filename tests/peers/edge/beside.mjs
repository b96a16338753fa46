// The endpoint on Node beside the same in Python, in turns: A B, B A, …

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { HOSTS, inProcess } from "../../edge/hosts.mjs";
import { median, model, settingsFor } from "./round.mjs";
import { quantile, visit } from "./visitors.mjs";

const ROUNDS = 5;
const VISITORS = 100;
/** How long the model takes, in milliseconds, and how many words it says. */
const TTFT = 20;
const WORDS = 8;

export async function beside({ folder, simulated }) {
  const here = dirname(fileURLToPath(import.meta.url));
  // Each has a model's server with counters of its own.
  const [one, other] = [1, 2].map((seed) => model(simulated, `ttft=${TTFT},tokens=${WORDS},seed=${seed}`));
  const ours = await HOSTS.node(folder, settingsFor(one));
  const python = await inProcess(here, settingsFor(other), (port) => [
    process.env.PYTHON,
    ...["-m", "uvicorn", "app:app", "--workers", "1", "--port", port, "--no-access-log"],
  ]);
  const sides = [
    { who: "ours", origin: ours.origin, truth: one.truth, count: 10_000 },
    { who: "FastAPI", origin: python.origin, truth: other.truth, count: 2000 },
  ];
  const rounds = [];
  try {
    for (const side of sides) await load(side, side.count / 2);
    for (let n = 0; n < ROUNDS; n += 1) {
      const round = {};
      for (const side of n % 2 === 0 ? sides : sides.toReversed()) round[side.who] = await load(side, side.count);
      rounds.push(round);
    }
  } finally {
    await ours.stop();
    await python.stop();
  }
  const [opened, openedByPython] = [(await one.truth()).connections, (await other.truth()).connections];
  const each = (figure) => rounds.map(figure);
  const row = (what, unit, figures) => ({ what, unit, figure: median(figures), rounds: figures });
  const ratio = (what, figures, target, isMet) => {
    const known = row(what, "×", figures);
    return { ...known, target, met: isMet(known.figure) };
  };
  return [
    row(`Node, ${VISITORS} visitors: requests a second`, "", each((round) => round.ours.rate)),
    row("FastAPI, the same", "", each((round) => round.FastAPI.rate)),
    ratio("requests a second, ours ÷ FastAPI", each(({ ours, FastAPI }) => ours.rate / FastAPI.rate), "≥ 5", (x) => x >= 5),
    row("Node: p99 that the endpoint adds to the model's", " ms", each((round) => round.ours.added)),
    row("FastAPI: the same", " ms", each((round) => round.FastAPI.added)),
    ratio("added p99, ours ÷ FastAPI", each(({ ours, FastAPI }) => ours.added / FastAPI.added), "≤ 1/3", (x) => x <= 1 / 3),
    { what: "FastAPI: connections to the model's server", figure: openedByPython },
    { what: "Node: the same", figure: opened, target: `≤ ${openedByPython}`, met: opened <= openedByPython },
  ];
}

async function load({ origin }, count) {
  const { seconds, waits } = await visit(origin, { visitors: VISITORS, count, promptOf: (n) => `question ${n}` });
  return { rate: count / seconds, added: quantile(waits, 0.99) - TTFT };
}
