// States that people meet: each is told, with words that say what to do.

import assert from "node:assert/strict";

import { look } from "../look.mjs";
import { Kneepoint } from "../page.mjs";

const plainChromium = (name) => name === "chromium-h1";

/** The page, about to ask a simulated endpoint by its address. */
async function asking(scene, spec, requests, concurrency, { base = scene.origin, ...more } = {}) {
  const page = await new Kneepoint(await scene.open()).ready();
  await page.direct(`${base}/mock/${spec}/v1`, requests, concurrency, more);
  return page;
}

export const states = [
  {
    name: "over HTTP/1.1 six of twenty are achieved, and the result says why",
    where: (name) => name.endsWith("h1"),
    async work(scene) {
      const page = await asking(scene, "ttft=100,tpot=10,tokens=10,seed=501", 80, 20);
      await page.run();
      assert.match(await page.text("advice-client-bound"), /6 connections/);
      const said = (await page.text("stage")).match(/client was/gi);
      assert.equal(said?.length, 1, "once, where it is the verdict");
      assert.match(await page.text("connections"), /6/);
      if (plainChromium(`${scene.kind}-h1`)) await look(scene, page.tab, "client-bound");
    },
  },
  {
    name: "an endpoint where everything fails",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/status of 500/);
      const page = await asking(scene, "fault=status_500,seed=502", 6, 2, { retries: "0" });
      await page.run();
      assert.ok((await page.text("advice-all-failed")).length > 40);
      await look(scene, page.tab, "all-failed");
    },
  },
  {
    name: "an endpoint that does not allow calls from pages",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/CORS policy|ERR_FAILED/);
      const base = scene.origin.replace("127.0.0.1", "localhost");
      const page = await asking(scene, "cors=off,tokens=4,seed=503", 4, 2, { base, retries: "0" });
      await page.run();
      assert.match(await page.text("advice-cors"), /CORS/);
      assert.match(await page.text("advice-cors"), /proxy/i);
      await look(scene, page.tab, "cors-blocked");
    },
  },
  {
    name: "an endpoint that limits the rate",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/status of 429/);
      const page = await asking(scene, "rps=10,tokens=4,seed=504", 40, 20, { retries: "0" });
      await page.run();
      assert.ok((await page.text("advice-rate-limited")).length > 40);
      assert.ok((await page.figure("refused")) > 0);
      // A machine with too much to do may have been a limit too.
      const bound = (await page.is("advice-client-bound")) ? await page.text("advice-client-bound") : "";
      assert.doesNotMatch(bound, /connections/, "the server refused, the six connections were never full");
      await look(scene, page.tab, "rate-limited");
    },
  },
  {
    name: "an address where nobody listens",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/ERR_CONNECTION_REFUSED/);
      const page = await new Kneepoint(await scene.open()).ready();
      await page.direct("http://127.0.0.1:9/v1", 4, 2, { retries: "0" });
      await page.run();
      assert.ok((await page.is("advice-cors")) || (await page.is("advice-all-failed")));
    },
  },
  {
    name: "a machine that is offline",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.tab.context().setOffline(true);
      await page.has("offline");
      await look(scene, page.tab, "offline");
      await page.tab.context().setOffline(false);
    },
  },
  {
    name: "what is typed wrong is told at its field, and nothing is sent",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.fill({ concurrency: "many" });
      assert.ok((await page.text("error-concurrency")).length > 5);
      await page.press("run");
      assert.equal(await page.scene(), "empty");
      await look(scene, page.tab, "fault");
      await page.fill({ concurrency: "8", window: "soon" });
      await page.fold("more");
      await page.press("run");
      await page.has("error-window");
      assert.equal(await page.tab.evaluate(() => document.activeElement.id), "field-window");
      const below = await page.tab.$eval('[data-testid="run"]', (button) => (scrollTo(0, 0), button.getBoundingClientRect().bottom - innerHeight));
      assert.ok(below <= 0, `however long the form, Run is in sight: ${below}`);
    },
  },
  {
    name: "a field shows the largest number that it takes",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.unfold("more");
      await page.fill({ requests: "10,000,000", concurrency: "10,000", "max-tokens": "1,000,000", "budget-requests": "100000000" });
      const cut = await page.tab.$$eval("form input[type=text]", (all) => all.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.id));
      assert.deepEqual(cut, []);
    },
  },
  {
    name: "one request is spoken of as one, and gets no range",
    where: plainChromium,
    async work(scene) {
      const page = await asking(scene, "ttft=10,tpot=1,tokens=4,seed=505", 1, 1);
      await page.run();
      const all = await page.tab.evaluate(() => document.body.innerText);
      assert.match(all, /\b1 request\b/);
      assert.doesNotMatch(all, /\b1 (requests|answers|connections|calls|rungs)\b/);
      assert.match(await page.text("figure-rate"), /too few/);
    },
  },
  {
    name: "a climb that is stopped at once says so on top, and is not kept",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.press("knee");
      await page.shows("live");
      await page.press("stop");
      await page.shows("result");
      assert.match(await page.text("sentence"), /^Nothing was measured/);
      const above = await page.tab.evaluate(() => {
        const [verdict, export_] = ["verdict", "export"].map((name) => document.querySelector(`[data-testid="${name}"]`));
        return verdict.compareDocumentPosition(export_) & Node.DOCUMENT_POSITION_FOLLOWING && verdict.previousElementSibling === null;
      });
      assert.ok(above, "the verdict is the first thing");
      assert.equal(await page.count("earlier-run"), 0);
    },
  },
  {
    name: "a long name makes nothing wider, and paper is light in a dark theme",
    where: plainChromium,
    async work(scene) {
      const page = await asking(scene, "ttft=10,tpot=1,tokens=4,seed=506", 2, 1, { model: "m".repeat(300) });
      await page.run();
      const beside = await page.tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beside <= 0, `${beside} pixels lie beside the page`);
      await page.tab.evaluate(() => document.documentElement.setAttribute("data-theme", "dark"));
      const paper = () => page.tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const dark = await paper();
      await page.tab.emulateMedia({ media: "print" });
      assert.notEqual(await paper(), dark);
      assert.equal(await paper(), "rgb(255, 255, 255)");
    },
  },
  {
    name: "a reload in mid-run",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.fill({ requests: "100000" });
      await page.press("run");
      await page.shows("live");
      await page.tab.reload();
      await page.has("cut-off");
      assert.match(await page.text("cut-off"), /cut off/);
      if (plainChromium(`${scene.kind}-${scene.isPlain ? "h1" : "h2"}`)) await look(scene, page.tab, "cut-off");
      await page.ready();
      await page.fill({ requests: "50" });
      await page.run();
    },
  },
  {
    name: "until its module is there the document says what it is",
    where: plainChromium,
    async work(scene) {
      const tab = await scene.blank();
      let arrived = () => {};
      const held = new Promise((resolve) => (arrived = resolve));
      await tab.route("**/*.wasm", async (route) => (await held, route.continue()));
      await tab.goto(scene.origin, { waitUntil: "commit" });
      const page = new Kneepoint(tab);
      await page.until("it says something", () => /Kneepoint\s+Finds/.test(document.body?.innerText ?? ""));
      const [title, language, description] = await tab.evaluate(() => [document.title, document.documentElement.lang, document.querySelector("meta[name=description]").content]);
      assert.ok(title === "Kneepoint" && language === "en" && description.length > 50);
      await look(scene, tab, "loading");
      arrived();
      await page.ready();
      assert.ok(!/being loaded/.test(await tab.evaluate(() => document.body.innerText)));
    },
  },
  {
    name: "a browser without WebAssembly",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/WebAssembly/);
      const tab = await scene.blank();
      await tab.addInitScript(() => delete globalThis.WebAssembly);
      await tab.goto(scene.origin);
      const page = new Kneepoint(tab);
      await page.has("unsupported");
      assert.match(await page.text("unsupported"), /npx kneepoint knee/);
      await look(scene, tab, "unsupported");
    },
  },
  {
    name: "an engine that does not start",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/worker\.js|ERR_FAILED/);
      const tab = await scene.blank();
      await tab.route("**/worker.js", (route) => route.fulfill({ status: 404, body: "" }));
      await tab.goto(scene.origin);
      const page = await new Kneepoint(tab).ready();
      await page.press("run");
      await page.shows("broken");
      assert.match(await page.text("broken"), /did not start/);
      await look(scene, tab, "broken");
    },
  },
];
