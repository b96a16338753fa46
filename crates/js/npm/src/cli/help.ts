/** The help pages. */

import { type CommandName, type Flag, flagsOf, type Group } from "./flags.ts";

interface Page {
  brief: string;
  usage: string;
  about: string;
  examples: readonly (readonly [command: string, what: string])[];
}

const KEYS =
  "The key comes from OPENAI_API_KEY, ANTHROPIC_API_KEY or FIREWORKS_API_KEY, by provider, or from\n--api-key-file; never from the command line.";

const STATUS =
  "Exit status: 0 all is well, 1 wrong usage or a failed run, 99 a --fail-if came true, 130 stopped\nby Ctrl-C (once: what was measured is still written; twice: at once).";

const PAGES: Record<CommandName, Page> = {
  bench: {
    brief: "send requests as told, and measure",
    usage: "kneepoint bench --url URL --model NAME -n N [-c N] [flags]",
    about: "Sends requests as told and reports throughput, latencies and failures.",
    examples: [
      [
        "kneepoint bench --url http://127.0.0.1:8000/v1 --model m -n 1000 -c 100 --max-tokens 100",
        "a thousand requests, a hundred at a time",
      ],
      [
        "kneepoint bench --url http://127.0.0.1:8000/v1 --model m --rate 20 --poisson --duration 60s",
        "20 a second for a minute, as users come",
      ],
      [
        "kneepoint bench --provider fireworks --model m -n 200 -c 8 --json run.json --fail-if 'p95>800ms'",
        "for CI: keep the result, exit with 99 if it is too slow",
      ],
    ],
  },
  knee: {
    brief: "raise the concurrency until that no longer helps, and say where that is",
    usage: "kneepoint knee --url URL --model NAME [--max N] [flags]",
    about:
      "Raises the concurrency until that no longer helps, and names the knee (the best balance of\nthroughput and latency), the peak and the server's limit. Prompts begin differently each time,\nunless --no-nonce says otherwise; nothing is retried.",
    examples: [
      [
        "kneepoint knee --url http://127.0.0.1:8000/v1 --model m --max-tokens 100",
        "find it, with the default windows",
      ],
      [
        "kneepoint knee --provider openai --model m --max 32 --budget requests=2000 --slo 'ttft<500ms'",
        "a bounded search, and where answers get too slow",
      ],
      [
        "kneepoint knee --url http://127.0.0.1:8000/v1 --model m --json knee.json --fail-if 'knee<16'",
        "for CI",
      ],
    ],
  },
  compare: {
    brief: "two endpoints in turns, or two results side by side",
    usage: "kneepoint compare --a URL --b URL --model NAME -n N [-c N] [--pairs N] [flags]\n       kneepoint compare A.json B.json",
    about:
      "Compares two endpoints that take turns, or sets two results side by side. Only runs that took\nturns tell a difference from a change of the server or the network.",
    examples: [
      [
        "kneepoint compare --a http://10.0.0.1:8000/v1 --b http://10.0.0.2:8000/v1 --model m -n 200 -c 16",
        "five runs of each, in turns",
      ],
      ["kneepoint compare before.json after.json", "two results, and what they cannot tell"],
    ],
  },
  merge: {
    brief: "add up what several machines measured at the same time",
    usage: "kneepoint merge A.json B.json … [--json FILE] [flags]",
    about:
      "Adds up results of one load that several machines sent at the same time: counts add, rates add\nover the time in common, percentiles come from the merged histograms.",
    examples: [["kneepoint merge host1.json host2.json --json both.json", "two machines, one result"]],
  },
  report: {
    brief: "show a result again, or write it in another format",
    usage: "kneepoint report FILE.json [--json|--csv|--jsonl|--hgrm|--hdr|--html|--vllm [FILE]]",
    about: "Shows a result again, or writes it in another format, to a file or to standard output.",
    examples: [
      ["kneepoint report run.json", "as text"],
      ["kneepoint report run.json --hgrm latency.hgrm --metric ttft", "for a plotter of HDR histograms"],
      ["kneepoint report run.json --fail-if 'error_rate>1%'", "judge an earlier run"],
    ],
  },
};

const GROUPS: readonly Group[] = ["Endpoint", "Requests", "Load", "Ladder", "Limits", "Results"];

/** The page of all commands. */
export function overview(): string {
  const lines = Object.entries(PAGES).map(([name, { brief }]) => `  ${name.padEnd(9)} ${brief}`);
  return [
    "kneepoint finds the knee of an LLM endpoint.",
    "",
    "Usage: kneepoint COMMAND [flags]",
    "",
    ...lines,
    "",
    "  kneepoint COMMAND --help   flags and examples",
    "  kneepoint --version",
    "",
    KEYS,
    "",
    STATUS,
    "",
  ].join("\n");
}

/** One command's page. */
export function page(command: CommandName): string {
  const { usage, about, examples } = PAGES[command];
  const flags = flagsOf(command);
  const groups = GROUPS.map((group) => [group, flags.filter((flag) => flag.group === group)] as const);
  const sections = groups
    .filter(([, members]) => members.length > 0)
    .map(([group, members]) => [`${group}:`, ...members.map(line), ""].join("\n"));
  const shown = examples.map(([line, what]) => `  # ${what}\n  ${line}\n`);
  const ofRuns = flags.some((flag) => flag.name === "api-key-file") ? [KEYS, ""] : [];
  return [
    `Usage: ${usage}`,
    "",
    about,
    "",
    ...sections,
    "Examples:",
    ...shown,
    ...ofRuns,
    STATUS,
    "",
  ].join("\n");
}

const LEFT = 28;

function line(flag: Flag): string {
  const short = flag.short ? `-${flag.short}, ` : "    ";
  const many = flag.multiple ? " …" : "";
  const value = flag.value ? ` ${flag.value}${many}` : "";
  return `  ${`${short}--${flag.name}${value}`.padEnd(LEFT)} ${flag.text}`;
}
