// Climbs on a machine that may have something else to do.

/** A ladder that found this machine too busy says little about the server, and is climbed once more, so
 * many times. */
export const TRIES_MAX = 3;

/** Whether a report says that the client was the limit somewhere. */
const wasHeldUp = ({ rungs }) => rungs.some(({ client }) => client.bound);

/**
 * What is found by `climb`, which answers `{ reports, … }`: the first time that it is right, or that
 * nothing held this machine up, which is then no excuse.
 */
export async function tried(climb, isRight) {
  for (let tries = 1; ; tries += 1) {
    const found = await climb();
    if (isRight(found) || tries === TRIES_MAX || !found.reports.some(wasHeldUp)) return found;
  }
}
