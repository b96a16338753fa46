// The main road: open, press, read, keep.

import assert from "node:assert/strict";

import { tried } from "../../knees/tries.mjs";
import { look } from "../look.mjs";
import { Kneepoint } from "../page.mjs";

const pictured = (scene) => scene.kind === "chromium" && scene.isPlain;

export const road = [
  {
    name: "first sight is a form already filled, and says what a press does",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      assert.equal(await page.scene(), "empty");
      assert.match(await page.text("empty"), /Press Run/);
      assert.match(await page.text("story"), /32 slots/);
      assert.match(await page.text("cost"), /Run: .*500/);
      if (pictured(scene)) await look(scene, page.tab, "empty");
    },
  },
  {
    name: "one press of Run shows figures while it runs, and a result that the server confirms",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await fetch(`${scene.server.http}/mock/gpu32/reset`, { method: "POST" });
      await page.press("run");
      await page.shows("live");
      const moving = (selector) => Number(document.querySelector(selector).innerText.replace(/\D/g, "")) > 0;
      await page.until("requests are counted", moving, '[data-testid="figure-done"] dd');
      if (pictured(scene)) await look(scene, page.tab, "live");
      await page.shows("result");
      const truth = await scene.stats("gpu32");
      assert.equal(await page.figure("done"), 500);
      assert.equal(truth.requests, 500);
      assert.equal(truth.completed, 500);
      assert.match(await page.text("reference"), /500/);
      const report = await page.json();
      assert.equal(report.rungs[0].ok, 500);
      assert.equal(report.protocol.http, scene.protocol);
      assert.match(await page.text("connections"), scene.isPlain ? /HTTP\/1\.1/ : /HTTP\/2/);
      if (pictured(scene)) await look(scene, page.tab, "result");
    },
  },
  {
    name: "one press of Find the knee finds it",
    async work(scene) {
      const isNear = ({ answer: { knee } }) => knee !== null && knee.value >= 20 && knee.value <= 45;
      const climb = async () => {
        const page = await new Kneepoint(await scene.open()).ready();
        await page.hurry(128);
        await page.press("knee");
        await page.shows("live");
        if (pictured(scene)) {
          await page.until("a rung was measured", () => document.querySelector('[data-testid="live-climb"] svg') !== null);
          await look(scene, page.tab, "climbing");
        }
        await page.shows("result", 150_000);
        return { page, reports: [await page.json()] };
      };
      const { page, reports } = await tried(climb, ({ reports }) => reports.every(isNear));
      const [{ answer, rungs }] = reports;
      assert.ok(isNear({ answer }), JSON.stringify(answer));
      assert.ok((await page.text("sentence")).includes(String(answer.knee.value)), await page.text("sentence"));
      assert.ok(await page.is("picture-throughput"));
      assert.ok(rungs.length >= 6);
      if (pictured(scene)) await look(scene, page.tab, "knee");
    },
  },
  {
    name: "Stop keeps what was measured",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.fill({ requests: "100000" });
      await page.press("run");
      await page.shows("live");
      const moving = (selector) => Number(document.querySelector(selector).innerText.replace(/\D/g, "")) > 20;
      await page.until("requests are counted", moving, '[data-testid="figure-done"] dd');
      await page.press("stop");
      await page.shows("result", 10_000);
      assert.ok(await page.is("advice-stopped"));
      const { method, rungs } = await page.json();
      assert.ok(method.stopped_early && rungs[0].ok > 20);
      if (pictured(scene)) await look(scene, page.tab, "stopped");
    },
  },
  {
    name: "at a phone's width first sight says what the page is for, and the form unfolds",
    where: (name) => name === "chromium-h1",
    async work(scene) {
      const page = await new Kneepoint(await scene.open("/", { viewport: { width: 360, height: 780 } })).ready();
      assert.ok(!(await page.is("field-requests")));
      for (const name of ["run", "knee", "cost", "empty"]) {
        const below = await page.tab.$eval(`[data-testid="${name}"]`, (element) => element.getBoundingClientRect().bottom - innerHeight);
        assert.ok(below <= 0, `${name} is in sight: ${below}`);
      }
      await page.press("fold");
      await page.has("field-requests");
    },
  },
  {
    name: "pictures are shown as large as they were drawn, so that their words can be read",
    where: (name) => name === "chromium-h1",
    async work(scene) {
      const page = await new Kneepoint(await scene.open()).ready();
      await page.fill({ requests: "40", concurrency: "8" });
      await page.run();
      for (const width of [360, 900, 1280, 1920]) {
        await page.tab.setViewportSize({ width, height: 900 });
        const drawn = () => {
          const all = [...document.querySelectorAll(".pictures .kp-chart")].filter((svg) => svg.checkVisibility());
          const sizes = all.map((svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width);
          return sizes.length > 3 && sizes.every((size) => size > 0.9 && size < 1.1);
        };
        await page.until(`pictures fit ${width} pixels`, drawn);
      }
    },
  },
  {
    name: "a run can be stopped at a phone's width",
    where: (name) => name === "chromium-h1",
    async work(scene) {
      const page = await new Kneepoint(await scene.open("/", { viewport: { width: 360, height: 780 } })).ready();
      await page.fill({ requests: "100000" });
      await page.press("run");
      await page.shows("live");
      await page.press("stop");
      await page.shows("result", 10_000);
    },
  },
];
