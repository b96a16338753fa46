// What the page keeps, gives away, and never lets out.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { look, serious } from "../look.mjs";
import { Kneepoint } from "../page.mjs";

const inChromium = (name) => name.startsWith("chromium");
const plainChromium = (name) => name === "chromium-h1";

const KEY = "sk-canary-7Q4zXv0mB3kL9pWd2sTy";

/** The page after a run of a few requests. */
async function after(scene, requests = 40) {
  const page = await new Kneepoint(await scene.open()).ready();
  await page.fill({ requests: String(requests), concurrency: "10" });
  await page.run();
  return page;
}

export const keeping = [
  {
    name: "a key is nowhere but in the calls that it is for",
    where: plainChromium,
    async work(scene) {
      const heard = [];
      const requests = [];
      const tab = await scene.open();
      tab.on("console", (message) => heard.push(message.text()));
      tab.context().on("request", (request) => requests.push({ url: request.url(), headers: request.allHeaders(), body: request.postData() }));
      const page = await new Kneepoint(tab).ready();
      const spec = "ttft=10,tpot=1,tokens=4,seed=601";
      await page.direct(`${scene.origin}/mock/${spec}/v1`, 6, 2);
      await page.fill({ key: KEY });
      await page.run();
      assert.equal(await page.figure("done"), 6);
      const exported = await page.json();
      await page.unfold("share");
      await page.until("the link is made", () => document.querySelector('[data-testid="share-link"]').value.includes("#r="));
      const places = await tab.evaluate(async () => {
        const cached = globalThis.caches ? await caches.keys() : [];
        const databases = await indexedDB.databases();
        return {
          address: location.href,
          local: JSON.stringify({ ...localStorage }),
          session: JSON.stringify({ ...sessionStorage }),
          cookies: document.cookie,
          cached: JSON.stringify(cached),
          databases: JSON.stringify(databases),
          history: JSON.stringify(history.state),
          // Everything but what stands in the field itself.
          text: document.documentElement.outerHTML,
          link: document.querySelector('[data-testid="share-link"]').value,
          entries: performance.getEntries().map((entry) => entry.name).join(),
        };
      });
      for (const [place, content] of Object.entries({ ...places, exported: JSON.stringify(exported), console: heard.join() })) {
        assert.ok(!content.includes(KEY), `the key is in: ${place}`);
      }
      let carried = 0;
      for (const { url, headers, body } of requests) {
        assert.ok(!url.includes(KEY) && !body?.includes(KEY), url);
        const own = JSON.stringify(await headers).includes(KEY);
        if (own) assert.ok(url.startsWith(`${scene.origin}/mock/${spec}/`), url);
        carried += own;
      }
      assert.equal(carried, 6, "each call carried it");
      const field = (name) => tab.$eval(`[data-testid="${name}"]`, (field) => [field.type, field.autocomplete, field.value]);
      assert.deepEqual((await field("field-key")).slice(0, 2), ["password", "off"]);
      await tab.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
      assert.equal((await field("field-key"))[2], "", "leaving the page clears it");
    },
  },
  {
    name: "runs are kept over a reload, opened, compared and deleted",
    where: inChromium,
    async work(scene) {
      const page = await after(scene);
      await page.run();
      assert.equal(await page.count("earlier-run"), 2);
      assert.match(await page.text("earlier"), /Tick two/);
      await page.press("open-run");
      await page.shows("result");
      assert.equal(await page.tab.evaluate(() => scrollY), 0, "what was opened is in sight");
      await page.tab.reload();
      await page.ready();
      assert.equal(await page.count("earlier-run"), 2);
      await page.press("open-run");
      await page.shows("result");
      for (const index of [0, 1]) await page.tab.$$eval('[data-testid="compare-run"]', (boxes, index) => boxes[index].click(), index);
      await page.has("overlay");
      if (scene.isPlain) await look(scene, page.tab, "compared");
      await page.press("delete-run");
      await listed(page, 1);
      assert.equal(await page.tab.evaluate(() => document.activeElement.id), "open-file", "the keyboard is not lost");
      const beside = await new Kneepoint(await scene.open()).ready();
      await beside.fill({ requests: "20", concurrency: "10" });
      await beside.run();
      await listed(page, 2);
      await page.press("delete-run");
      await listed(beside, 1);
    },
  },
  {
    name: "a run under way can be stopped, whatever else is opened",
    where: plainChromium,
    async work(scene) {
      const page = await after(scene);
      await page.fill({ requests: "100000" });
      await page.press("run");
      await page.shows("live");
      await page.press("open-run");
      await page.has("mishap");
      assert.match(await page.text("mishap"), /Stop it/);
      await page.tab.evaluate(() => (location.hash = "#r=link"));
      await page.until("the address tells of no other result", () => location.hash === "");
      assert.equal(await page.scene(), "live");
      await page.press("stop");
      await page.shows("result", 10_000);
      assert.ok(await page.is("advice-stopped"));
      assert.ok(!(await page.is("mishap")), "what is over is no longer told");
      assert.match(await page.text("picture-over-time"), / 0 failed/);
    },
  },
  {
    name: "a link shows the result to whoever opens it, without naming the endpoint",
    where: inChromium,
    async work(scene) {
      const page = await after(scene);
      const sentence = await page.text("sentence");
      await page.unfold("share");
      await page.until("the link is made", () => document.querySelector('[data-testid="share-link"]').value.includes("#r="));
      const link = await page.tab.$eval('[data-testid="share-link"]', (field) => field.value);
      const other = new Kneepoint(await scene.blank());
      await other.tab.goto(link);
      await other.shows("result");
      assert.equal(await other.text("sentence"), sentence);
      const { config } = await other.json();
      assert.equal(config.host, null);
    },
  },
  {
    name: "an exported result can be opened again, and stands alone as a page",
    where: plainChromium,
    async work(scene) {
      const page = await after(scene);
      const report = await page.json();
      const buffer = Buffer.from(JSON.stringify(report));
      await page.tab.reload();
      await page.ready();
      await page.tab.setInputFiles('[data-testid="open-file"]', { name: "run.json", mimeType: "application/json", buffer });
      await page.shows("result");
      assert.deepEqual(await page.json(), report);
      await page.tab.reload();
      await page.ready();
      const taken = await page.tab.$eval(
        '[data-testid="earlier"]',
        (place, json) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([json], "run.json"));
          const isTaken = (kind) => !place.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
          return [isTaken("dragover"), isTaken("drop")];
        },
        JSON.stringify(report),
      );
      assert.deepEqual(taken, [true, true], "else the browser would leave the page for the file");
      await page.shows("result");
      await page.unfold("export");
      const saved = page.tab.waitForEvent("download");
      await page.press("export-html");
      const html = readFileSync(await (await saved).path(), "utf8");
      const alone = await scene.blank();
      await alone.setContent(html);
      assert.deepEqual(await serious(alone), []);
      await alone.screenshot({ path: `${scene.pictures}export-1280-light.png`, fullPage: true });
    },
  },
  {
    // Chromium without a window shows all of its tabs at once.
    name: "a tab that was hidden says so, wherever its result is opened",
    where: (name) => name === "firefox-h1",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.direct(`${scene.origin}/mock/ttft=500,tpot=1,tokens=4,seed=603/v1`, 32, 4);
      await page.press("run");
      await page.shows("live");
      const other = await scene.blank();
      await other.bringToFront();
      await page.until("the page is hidden", () => document.hidden);
      await sleep(2_000);
      await page.tab.bringToFront();
      await page.shows("result");
      const said = /The page was out of sight for [23] s of \d s: /;
      assert.match(await page.text("advice-hidden"), said);
      const json = JSON.stringify(await page.json());
      await page.tab.reload();
      await page.ready();
      await page.tab.$eval(
        '[data-testid="open-file"]',
        (input, json) => {
          const chosen = new DataTransfer();
          chosen.items.add(new File([json], "run.json"));
          input.files = chosen.files;
          input.dispatchEvent(new Event("change", { bubbles: true }));
        },
        json,
      );
      await page.shows("result");
      assert.match(await page.text("advice-hidden"), said);
      await page.unfold("how-measured");
      assert.match(await page.text("how-measured"), /out of sight/);
    },
  },
  {
    name: "nothing moves while the page comes",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      assert.deepEqual(await moved(page), []);
    },
  },
  {
    name: "nothing moves while figures change",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.press("run");
      await page.shows("live");
      await counted(page, 50);
      const before = (await moved(page)).length;
      await counted(page, 350);
      assert.deepEqual((await moved(page)).slice(before), []);
    },
  },
  {
    name: "nothing moves when the first rung is drawn",
    where: plainChromium,
    async work(scene) {
      for (const width of [1280, 360]) {
        const page = await new Kneepoint(await scene.open()).ready();
        await page.tab.setViewportSize({ width, height: 1600 });
        await page.hurry(128);
        await page.press("knee");
        await page.shows("live");
        await page.until("something is drawn", () => document.querySelector('[data-testid="live-over-time"] svg') !== null);
        const before = (await moved(page)).length;
        await page.until("a rung was measured", () => document.querySelector('[data-testid="live-climb"] svg') !== null);
        assert.deepEqual((await moved(page)).slice(before), [], `${width} pixels wide`);
        await page.tab.close();
      }
    },
  },
  {
    name: "everything can be done with the keyboard",
    where: plainChromium,
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      const { tab } = page;
      await page.fill({ requests: "40", concurrency: "10" });
      const reached = new Set();
      for (let index = 0; index < 80; index += 1) {
        await tab.keyboard.press("Tab");
        const [name, outlined] = await tab.evaluate(() => {
          const element = document.activeElement;
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
          return [element.dataset?.testid, outlineStyle !== "none" && outlineWidth !== "0px" ? true : boxShadow !== "none"];
        });
        if (name) {
          reached.add(name);
          assert.ok(outlined || name.startsWith("target-"), `the focus on ${name} can be seen`);
        }
        if (name === "run") break;
      }
      for (const name of ["field-preset", "field-requests", "field-concurrency", "field-stream", "run"]) {
        assert.ok(reached.has(name), `${name} is reached; ${[...reached]}`);
      }
      await tab.keyboard.press("Enter");
      await page.shows("result");
    },
  },
  {
    name: "as mere files below any path it works, under its own policy",
    where: plainChromium,
    async work(scene) {
      scene.mayHear(/status of 404/);
      const files = await host(fileURLToPath(new URL("../../../dist", import.meta.url)), "/some/where/");
      try {
        const tab = await scene.blank();
        await tab.goto(`${files.url}/some/where/`);
        const page = new Kneepoint(tab);
        await page.has("no-server");
        await look(scene, tab, "hosted");
        await page.direct(`${scene.server.http}/mock/ttft=10,tpot=1,tokens=4,seed=602/v1`, 12, 3);
        await page.run();
        assert.equal(await page.figure("done"), 12);
        const blocked = await tab.evaluate(() => {
          const script = document.createElement("script");
          script.textContent = "globalThis.ran = true";
          document.head.append(script);
          return globalThis.ran === undefined;
        });
        scene.mayHear(/Content Security Policy/);
        assert.ok(blocked, "no script runs inside the document");
      } finally {
        await files.stop();
      }
    },
  },
];

/** Waits until so many earlier runs are listed. */
async function listed(page, runs) {
  const are = (runs) => document.querySelectorAll('[data-testid="earlier-run"]').length === runs;
  await page.until(`${runs} earlier runs`, are, runs);
}

/** Waits until the live figures have counted more requests than so many. */
async function counted(page, requests) {
  const more = ([selector, requests]) => Number(document.querySelector(selector)?.innerText.replace(/\D/g, "") ?? 500) > requests;
  await page.until(`more than ${requests} are counted`, more, ['[data-testid="figure-done"] dd', requests]);
}

/** What has moved by itself since the page was opened. */
function moved(page) {
  return page.tab.evaluate(async () => {
    const found = new Promise((resolve) => {
      new PerformanceObserver((list, observer) => (observer.disconnect(), resolve(list.getEntries()))).observe({ type: "layout-shift", buffered: true });
      // Where nothing moved nobody calls.
      setTimeout(resolve, 500, []);
    });
    const entries = (await found).filter((entry) => !entry.hadRecentInput);
    return entries.map(({ value, sources }) => [value, sources.map((source) => source.node?.className ?? "")]);
  });
}

/** Serves a folder below a path, as a host of mere files does: no headers of ours, 404 elsewhere. */
async function host(folder, below) {
  const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".svg": "image/svg+xml" };
  const server = createServer((request, response) => {
    const name = request.url.startsWith(below) ? request.url.slice(below.length) || "index.html" : "";
    try {
      const body = readFileSync(`${folder}/${name}`);
      response.writeHead(200, { "content-type": types[extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}
