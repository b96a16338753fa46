// Tries the page's promises in real browsers, against the server that hosts it.
//
// usage: node run.mjs [SCENE…]

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { launch } from "../packaging/browser.mjs";
import { Report } from "../packaging/report.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { engine } from "./promises/engine.mjs";
import { road } from "./promises/road.mjs";
import { states } from "./promises/states.mjs";
import { keeping } from "./promises/keeping.mjs";
import { Scene } from "./scene.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Where pictures go, for people to look at. */
const PICTURES = path("../../target/test/e2e/");

/** Which browser, and by which protocol the page and its endpoint are reached. */
const SCENES = {
  "chromium-h1": { browser: "chromium", protocol: "http/1.1" },
  "chromium-h2": { browser: "chromium", protocol: "h2" },
  "firefox-h1": { browser: "firefox", protocol: "http/1.1" },
  "firefox-h2": { browser: "firefox", protocol: "h2" },
};

const PROMISES = [...road, ...states, ...keeping, ...engine];

/** How long one promise may take: a bound for a hang. */
const PROMISE_MS_MAX = 300_000;

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in SCENES));
if (unknown.length > 0) throw new Error(`no scene is called ${unknown}: ${Object.keys(SCENES)}`);

mkdirSync(PICTURES, { recursive: true });
process.env.KNEEPOINT_E2E_KEY = "sk-upstream-of-the-proxy-0001";
const upstream = await startServer();
const server = await startServer(
  ...["--tls-listen", "127.0.0.1:0", "--page", path("../../dist")],
  ...["--upstream", `behind=${upstream.http}/mock/ttft=20,tpot=2,tokens=5,seed=9,key-env=KNEEPOINT_E2E_KEY`],
);
try {
  for (const [name, { browser: kind, protocol }] of Object.entries(SCENES)) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const report = new Report(name);
    const browser = await launch(kind, { spki: server.spki });
    try {
      for (const promise of PROMISES) {
        if (promise.where && !promise.where(name)) continue;
        const scene = new Scene({ kind, browser, protocol, server, upstream, pictures: PICTURES });
        await report.attempt(promise.name, async () => {
          try {
            await bounded(promise.work(scene), PROMISE_MS_MAX);
            scene.expectQuiet();
          } finally {
            await scene.close();
          }
        });
      }
    } finally {
      await browser.close();
    }
    report.close();
    if (!report.isGood) process.exitCode = 1;
  }
} finally {
  await server.stop();
  await upstream.stop();
}

async function bounded(work, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
