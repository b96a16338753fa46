/** What to do about failures whose cause is known: by what a report quotes of them. */

import type { Report } from "../bench/index.ts";

const ADVICE: readonly (readonly [quoted: RegExp, advice: string])[] = [
  [
    /answered 40[13]:/,
    "is the key right? It comes from the provider's variable, such as OPENAI_API_KEY, or from --api-key-file",
  ],
  [/answered 40[45]:/, "are address and model right? Most base URLs end in /v1"],
  [
    /the answer (?:is not an event stream|is a web page|cannot be read|is not of the expected kind):/,
    "what answers there is no LLM endpoint: is the address right? Most base URLs end in /v1",
  ],
  [/ECONNREFUSED|Connection refused/, "nothing listens there: does the server run, and is the port right?"],
  [/ENOTFOUND|EAI_AGAIN/, "the host is not known: is its name right, and is there a network?"],
  [
    /self-signed certificate|unable to (?:verify|get local issuer)/,
    "a certificate of one's own is trusted with NODE_EXTRA_CA_CERTS=FILE in front of the command",
  ],
  [/wrong version number|packet length too long/, "the server speaks no TLS there: try http:// in place of https://"],
  [/HTTPParserError.*Expected HTTP/, "what listens there speaks no HTTP: try https://, or another port"],
  [/EMFILE/, "more files and connections are open than this shell allows: ulimit -n 65536 allows more"],
];

/** What there is to say about a run's failures. */
export function adviceOn(report: Report): string[] {
  const failed = report.rungs.flatMap((rung) => rung.classes);
  const isQuoted = (pattern: RegExp): boolean => failed.some(({ excerpt }) => pattern.test(excerpt ?? ""));
  return ADVICE.filter(([quoted]) => isQuoted(quoted)).map(([, advice]) => advice);
}
