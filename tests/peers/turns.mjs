// The half of `cargo xtask bench` that lies in the programs it compares: each is ready before the first
// is measured, and does its work when its turn comes, so that a machine's moods meet all of them alike.

import { createInterface } from "node:readline";

/** Says that `who` is ready, does the work once for each line of the input, and says how many seconds each
 * time took, as `work` resolves to them. */
export async function turns(who, work) {
  console.log(JSON.stringify({ who }));
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify({ seconds: await work() }));
  }
}

/** The seconds that a piece of work took, by the wall's clock or the processor's: `wall`, `cpu`. */
export async function timed(clock, work) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return clock === "cpu" ? (user + system) / 1e6 : (performance.now() - wall) / 1e3;
}

/** The same of a round after one that nobody counts: while others had their turn, what was hot grew cold. */
export async function steady(clock, round) {
  await round();
  return timed(clock, round);
}
