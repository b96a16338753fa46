// The page as its tests see it: what can be done there, by the names in `data-testid`. Nothing but
// what Playwright and Puppeteer have in common.

import { setTimeout as sleep } from "node:timers/promises";

/** How often a condition is looked at. */
const LOOK_MS = 50;

const at = (name) => `[data-testid="${name}"]`;

export class Kneepoint {
  #tab;

  constructor(tab) {
    this.#tab = tab;
  }

  get tab() {
    return this.#tab;
  }

  /** Waits until the page is there and has heard from its server. */
  async ready() {
    await this.has("run");
    await this.until("the presets are there", () => document.querySelectorAll('[data-testid="field-preset"] option').length !== 1);
    return this;
  }

  /** Waits for an element that can be seen. */
  async has(name, ms = 30_000) {
    const seen = (selector) => document.querySelector(selector)?.checkVisibility() ?? false;
    await this.until(`"${name}" can be seen`, seen, at(name), ms);
  }

  /** Whether there is such an element now. */
  is(name) {
    return this.#tab.evaluate((selector) => document.querySelector(selector)?.checkVisibility() ?? false, at(name));
  }

  /** The text of an element, as it is read. */
  text(name) {
    return this.#tab.$eval(at(name), (element) => element.innerText.trim());
  }

  /** How many there are. */
  count(name) {
    return this.#tab.$$eval(at(name), (elements) => elements.length);
  }

  /** Presses what has this name, as a pointer does: in the tab that is in front, where alone frames are sure to be drawn. */
  async press(name) {
    await this.#tab.bringToFront();
    await this.has(name);
    await this.#tab.$eval(at(name), (element) => element.scrollIntoView({ block: "center" }));
    await this.#tab.click(at(name));
  }

  /** Opens a part that is folded. */
  unfold(name) {
    return this.#tab.$eval(at(name), (element) => void (element.open = true));
  }

  /** Folds it again. */
  fold(name) {
    return this.#tab.$eval(at(name), (element) => void (element.open = false));
  }

  /** Fills fields in: texts, ticks as booleans, choices by their words. */
  async fill(fields) {
    for (const [name, value] of Object.entries(fields)) {
      await this.#tab.$eval(
        at(`field-${name}`),
        (field, value) => {
          const tell = (kind) => field.dispatchEvent(new Event(kind, { bubbles: true }));
          if (field.type === "checkbox") {
            if (field.checked !== value) field.click();
          } else if (field.localName === "select") {
            field.value = [...field.options].find((option) => option.text === value).value;
            tell("change");
          } else {
            field.value = value;
            tell("input");
          }
        },
        value,
      );
    }
  }

  /** Chooses whom to ask. */
  async target(name) {
    await this.#tab.$eval(at(`target-${name}`), (radio) => radio.click());
  }

  /** Asks an address, so many times, so many at once. */
  async direct(url, requests, concurrency, more = {}) {
    await this.target("direct");
    await this.fill({ url, model: "m", requests: String(requests), concurrency: String(concurrency), ...more });
  }

  /** Short windows for the ladder. */
  async hurry(max) {
    await this.unfold("more");
    const windows = { window: "500ms", "window-max": "3s", completions: "20", settle: "2s", repeat: false };
    await this.fill({ max: String(max), ...windows });
  }

  scene() {
    return this.#tab.$eval(at("stage"), (stage) => stage.dataset.scene);
  }

  /** Waits until the stage shows this, and all of it: pictures are drawn one a frame. */
  async shows(scene, ms = 120_000) {
    const shows = ([selector, scene]) => {
      const stage = document.querySelector(selector);
      return stage?.dataset.scene === scene && stage.querySelector('[aria-busy="true"]') === null;
    };
    await this.until(`the stage shows ${scene}`, shows, [at("stage"), scene], ms);
  }

  /** Presses Run and waits for the result. */
  async run(ms) {
    await this.press("run");
    await this.shows("result", ms);
  }

  /** The figure of this name, as a number. */
  async figure(name) {
    const text = await this.#tab.$eval(`${at(`figure-${name}`)} dd`, (value) => value.innerText);
    return Number(text.replace(/[^\d.]/g, ""));
  }

  /** What a copy of the whole result holds: the JSON that can be exported. */
  async json() {
    await this.#tab.evaluate(() => {
      const make = URL.createObjectURL.bind(URL);
      // The file's content, on its way to the browser's downloads.
      URL.createObjectURL = (blob) => ((globalThis.exported = blob.text()), make(blob));
    });
    await this.unfold("export");
    await this.press("export-json");
    await this.until("a file was made", () => globalThis.exported !== undefined);
    await this.fold("export");
    return JSON.parse(await this.#tab.evaluate(() => globalThis.exported));
  }

  /** Waits until `condition` holds in the page. */
  async until(what, condition, argument, ms = 30_000) {
    const end = Date.now() + ms;
    while (!(await this.#tab.evaluate(condition, argument))) {
      if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
      await sleep(LOOK_MS);
    }
  }
}
