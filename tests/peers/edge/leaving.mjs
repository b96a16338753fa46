// How soon the model's server sees that a visitor has left.

import { HOSTS } from "../../edge/hosts.mjs";
import { open } from "../../edge/visitor.mjs";
import { median, model, settingsFor } from "./round.mjs";

const ROUNDS = 10;

export async function leaving({ folder, simulated }) {
  const rows = [];
  for (const [n, runtime] of Object.keys(HOSTS).entries()) {
    const upstream = model(simulated, `ttft=20000,seed=${200 + n}`);
    const endpoint = await HOSTS[runtime](folder, settingsFor(upstream));
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const visitor = open(endpoint.origin, `/generate?prompt=${round}`);
      await until(async () => (await upstream.truth()).in_flight === 1);
      const left = performance.now();
      visitor.leave();
      await until(async () => (await upstream.truth()).in_flight === 0);
      rounds.push(performance.now() - left);
    }
    await endpoint.stop();
    const figure = median(rounds);
    rows.push({ what: `${runtime}: until the model's server sees a visitor leave`, figure, unit: " ms", rounds, target: "≤ 100 ms", met: figure <= 100 });
  }
  return rows;
}

async function until(holds) {
  const began = performance.now();
  while (!(await holds())) if (performance.now() - began > 30_000) throw new Error("it does not come about");
}
