// What the promises are tried against: endpoints in one runtime, and the model's server behind them.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { HOSTS, unusedPort } from "./hosts.mjs";
import { startSwitchboard } from "./switchboard.mjs";

/** The key of all endpoints. It must turn up nowhere. */
export const KEY = "sk-canary-9d41c07be2";

/** How long is waited for what must come about: a bound for a hang. */
const COMES_ABOUT_MS_MAX = 10_000;

let specs = Date.now() % 1_000_000;

export class World {
  #folder;
  #simulated;
  #endpoints = [];
  #places = [];
  #main;

  constructor(runtime, folder, simulated) {
    Object.assign(this, { runtime });
    this.#folder = folder;
    this.#simulated = simulated;
  }

  /** An endpoint of its own, with a switchboard of its own behind it. */
  async endpoint(settings = {}) {
    const board = await startSwitchboard(this.#simulated);
    const url = board.url;
    const known = { OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY, ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY, MODEL: "m" };
    const wanted = Object.entries({ ...known, ...settings }).filter(([, value]) => value !== undefined);
    const host = await HOSTS[this.runtime](this.#folder, Object.fromEntries(wanted));
    const endpoint = { ...host, board };
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  /** The endpoint that most promises share. */
  main() {
    this.#main ??= this.endpoint();
    return this.#main;
  }

  /** A folder that endpoints may write into as long as they live. */
  place() {
    const place = mkdtempSync(join(tmpdir(), "kneepoint-edge-"));
    this.#places.push(place);
    return place;
  }

  /** An address where nobody listens. */
  async nowhere() {
    return `http://127.0.0.1:${await unusedPort()}/v1`;
  }

  /** A prompt that makes the model's server behave so, with counters of its own. */
  rules(rules) {
    specs += 1;
    const spec = `${rules},seed=${specs}`;
    return {
      prompt: (text = "Hello!") => `${spec} ${text}`,
      truth: async () => (await fetch(`${this.#simulated}/mock/${spec}/stats`)).json(),
    };
  }

  /** Whatever any endpoint has logged. */
  logs() {
    return this.#endpoints.map(({ log }) => log()).join("");
  }

  async leave() {
    for (const { stop, board } of this.#endpoints) {
      await stop();
      await board.stop();
    }
    for (const place of this.#places) rmSync(place, { recursive: true });
  }
}

/** Waits until `holds` answers something true, and answers that. */
export async function eventually(holds, what) {
  const began = Date.now();
  for (;;) {
    const held = await holds();
    if (held) return held;
    assert.ok(Date.now() - began < COMES_ABOUT_MS_MAX, `${what}: not within ${COMES_ABOUT_MS_MAX} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
