// The suite in a page, whose driver has put a function there that takes verdicts.

import { contract, type Place, type Verdict } from "../contract.ts";

declare global {
  var place: Place;
  var tellVerdict: (verdict: Verdict) => void;
  var tellEnd: (error: string | undefined) => void;
}

contract(globalThis.place, globalThis.tellVerdict).then(
  () => globalThis.tellEnd(undefined),
  (error: unknown) => globalThis.tellEnd(String(error)),
);
