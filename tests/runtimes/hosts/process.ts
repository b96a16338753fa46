// The suite in a process of its own: Node, Deno, Bun. Each verdict is a line of JSON. The process
// ends by itself, or something keeps it alive that should not.

import process from "node:process";

import { contract, type Place } from "../contract.ts";

const place = JSON.parse(process.argv[2] as string) as Place;
await contract(place, (verdict) => console.log(JSON.stringify(verdict)));
