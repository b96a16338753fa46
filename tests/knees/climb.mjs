// A climb by the packed command line on one of the known servers.

import { kneepoint } from "../cli/command.mjs";
import { counts, reset, words } from "./servers.mjs";
import { TRIES_MAX } from "./tries.mjs";

/** Climbs with one seed: `{ status, err, report, truth }`, with a report where it ended well, and with the
 * server's own counts. `more` are further windows and limits; `during` is handed each process. */
export async function climb(home, http, one, seed, { more, during } = {}) {
  for (let tries = 1; ; tries += 1) {
    const args = [...words(http, one, seed, more), "--json", "-"];
    const { status, out, err } = await kneepoint(home, args, { during });
    const report = status === 0 ? JSON.parse(out) : undefined;
    const stop = report?.answer.stop;
    if (stop?.value !== "client_bound" || tries === TRIES_MAX) {
      return { status, err, report, truth: await counts(http, one, seed) };
    }
    console.log(`${one.name ?? one.spec}, seed ${seed}, once more: ${stop.reason}`);
    await reset(http, one, seed);
  }
}
