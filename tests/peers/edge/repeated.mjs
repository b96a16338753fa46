// What the cache saves where visitors ask the same again and again.

import { HOSTS } from "../../edge/hosts.mjs";
import { median, model, settingsFor } from "./round.mjs";
import { quantile, visit } from "./visitors.mjs";

const ROUNDS = 3;
const VISITORS = 20;
const REQUESTS = 4000;
const QUESTIONS = 500;

/** Questions as people ask them: the nth most frequent one is asked 1/n times as often as the first. */
function questions(seed) {
  const shares = Array.from({ length: QUESTIONS }, (_, n) => 1 / (n + 1));
  const all = shares.reduce((sum, share) => sum + share);
  let state = seed;
  return Array.from({ length: REQUESTS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let left = (state / 2 ** 32) * all;
    return shares.findIndex((share) => (left -= share) <= 0);
  });
}

export async function repeated({ folder, simulated }) {
  const rounds = [];
  for (let n = 1; n <= ROUNDS; n += 1) {
    const asked = questions(n);
    const round = { distinct: new Set(asked).size };
    for (const [name, seconds] of n % 2 === 1 ? SIDES : SIDES.toReversed()) {
      const upstream = model(simulated, `ttft=200,tokens=20,seed=${name === "with" ? n : 100 + n}`);
      const endpoint = await HOSTS.node(folder, settingsFor(upstream, { CACHE_SECONDS: seconds }));
      const { waits } = await visit(endpoint.origin, {
        visitors: VISITORS,
        count: REQUESTS,
        promptOf: (i) => `question ${asked[i % REQUESTS]}`,
      });
      await endpoint.stop();
      const mean = waits.reduce((sum, wait) => sum + wait) / waits.length;
      round[name] = { calls: (await upstream.truth()).requests, p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), mean };
    }
    rounds.push(round);
  }
  const row = (what, unit, figure) => ({ what, unit, figure: median(rounds.map(figure)), rounds: rounds.map(figure) });
  const spared = row(`cache, ${REQUESTS} of ${QUESTIONS} questions: calls spared`, " %", (round) => 100 * (1 - round.with.calls / round.without.calls));
  return [
    spared,
    {
      ...row("calls to the model beyond one for each question", "", (round) => round.with.calls - round.distinct),
      target: "0",
      met: rounds.every((round) => round.with.calls === round.distinct),
    },
    row("mean wait without the cache", " ms", (round) => round.without.mean),
    row("mean wait with it", " ms", (round) => round.with.mean),
    row("p50 without the cache", " ms", (round) => round.without.p50),
    row("p50 with it", " ms", (round) => round.with.p50),
  ];
}

const SIDES = [
  ["with", "3600"],
  ["without", "0"],
];
