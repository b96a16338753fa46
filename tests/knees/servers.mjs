// Six servers whose answer is known, as the simulated endpoint plays them, and what the command line
// must find out about each.

/** An answer is right within one refinement step of the ladder. */
const RATIO = 1.3;

/** Short windows. The servers are as much faster than real ones. */
export const SHORT = {
  window_min_s: 0.6,
  window_max_s: 6,
  settle_s: 2,
  completions_min: 30,
  verify_s: 2,
  recover_s: 3,
  rest_s: 0.1,
};

/**
 * Each has a name; the server as a spec of the simulated endpoint; flags of the command line; by
 * finding, the value that it must be near to; and the rules that may end the climb.
 *
 * A batching server serves n requests in steps of A + B·n + C·n² ms, so its throughput is as
 * n/(A + B·n + C·n²). With C = 0 the best balance is at A/B; with B = 0 it is at √(A/3C), the most at
 * √(A/C), and 95 % of the most at 0.73 of that.
 */
export const SERVERS = [
  {
    name: "a batching GPU with a soft knee",
    spec: "step=10:0.25:0:256,tokens=10",
    flags: ["--max", "128"],
    expected: { knee: 40 },
    stops: ["max", "plateau"],
  },
  {
    name: "a scheduler of 32 slots",
    spec: "slots=32,queue=10000,ttft=ln:100:0.2,tpot=5,tokens=20",
    flags: ["--max", "128"],
    expected: { knee: 32, peak: 32 },
    stops: ["plateau", "retrograde"],
  },
  {
    name: "a server that declines",
    spec: "step=10:0:0.00625:256,tokens=10",
    flags: ["--max", "128"],
    expected: { knee: 23.1, peak: 29.2 },
    stops: ["plateau", "retrograde"],
  },
  {
    name: "20 in flight, then 429",
    spec: "slots=20,ttft=ln:100:0.2,tpot=5,tokens=20",
    flags: [],
    expected: { limit: 20 },
    stops: ["rate_limited"],
    rejectedMax: 200,
  },
  {
    name: "300 requests a minute",
    // Answers that take a second: five at a time.
    spec: "rpm=300,ttft=ln:900:0.1,tpot=5,tokens=20",
    flags: [],
    ladder: { window_min_s: 6, verify_s: 60, recover_s: 65 },
    expected: { limit: 5 },
    stops: ["rate_limited"],
  },
  {
    name: "4 slots",
    spec: "slots=4,queue=10000,ttft=ln:50:0.2,tpot=2.5,tokens=20",
    flags: [],
    expected: { knee: 4, peak: 4 },
    stops: ["plateau", "retrograde"],
  },
];

/** The command line that measures a server with one seed. `more` are further windows and limits. */
export function words(http, { spec, flags, ladder }, seed, more = {}) {
  const url = `${http}/mock/${spec},seed=${seed}/v1`;
  const options = Object.entries({ ...SHORT, ...ladder, ...more }).map((pair) => pair.join("="));
  const target = ["--url", url, "--model", "m", "--max-tokens", "20", "--seed", String(seed)];
  return ["knee", ...target, ...flags, "--ladder", options.join()];
}

/** The endpoint's own counts of what it did for a seed. */
export async function counts(http, { spec }, seed) {
  return (await fetch(`${http}/mock/${spec},seed=${seed}/stats`)).json();
}

/** Lets the endpoint count anew. */
export async function reset(http, { spec }, seed) {
  await fetch(`${http}/mock/${spec},seed=${seed}/reset`, { method: "POST" });
}

/** What is wrong with an answer, given the server's own counts; empty if nothing is. */
export function wrong(server, answer, truth) {
  const found = Object.entries(server.expected).filter(([name, expected]) => {
    const ratio = (answer[name]?.value ?? 0) / expected;
    return !(ratio >= 1 / RATIO && ratio <= RATIO);
  });
  const reasons = found.map(([name, expected]) => `${name} is ${answer[name]?.value}, not ${expected}`);
  if (!server.stops.includes(answer.stop.value)) reasons.push(`stopped by ${answer.stop.value}`);
  if (truth.rejected > (server.rejectedMax ?? Number.POSITIVE_INFINITY)) {
    reasons.push(`${truth.rejected} requests were refused`);
  }
  return reasons;
}
