// Looks at a state of the page: what axe finds in it, and pictures for people.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Widths of a desk and of a phone. */
const WIDTHS = [1280, 360];

const THEMES = ["light", "dark"];

/** Takes pictures of a state at both widths in both themes, and lets axe look at each. */
export async function look(scene, tab, name) {
  const before = tab.viewportSize();
  for (const colorScheme of THEMES) {
    await tab.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await tab.setViewportSize({ width, height: width === 360 ? 780 : 900 });
      // What sticks to the top of the window stands where one first sees it.
      await tab.evaluate(() => scrollTo(0, 0));
      // A long page is painted a frame after its width or its colours have changed.
      await tab.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
      const path = `${scene.pictures}${name}-${width}-${colorScheme}.png`;
      await tab.screenshot({ path, fullPage: true });
      const shift = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(shift <= 0, `${name} at ${width}: ${shift} pixels lie beside the page`);
      assert.deepEqual(await serious(tab), [], `${name} at ${width}, ${colorScheme}`);
    }
  }
  await tab.emulateMedia({ colorScheme: null });
  await tab.setViewportSize(before);
}

/** What axe calls serious or worse. */
export async function serious(tab) {
  // By the debugger, which the page's policy does not bind.
  await tab.evaluate(AXE);
  const { violations } = await tab.evaluate(() => globalThis.axe.run());
  const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return bad.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")}`);
}
