// One promise's world: a browser profile of its own, so that no connection is open and nothing stored.

import assert from "node:assert/strict";

export class Scene {
  #browser;
  #context;
  #noise = [];
  #mayHear = [];

  constructor({ kind, browser, protocol, server, upstream, pictures }) {
    this.kind = kind;
    this.#browser = browser;
    this.protocol = protocol;
    this.server = server;
    this.upstream = upstream;
    this.pictures = pictures;
    this.isPlain = protocol === "http/1.1";
    this.origin = this.isPlain ? server.http : server.https;
  }

  /** A tab at the page. `context`: what Playwright's contexts take. */
  async open(path = "/", context = {}) {
    const tab = await this.blank(context);
    await tab.goto(`${this.origin}${path}`);
    return tab;
  }

  /** An empty tab whose errors are listened to. */
  async blank(context = {}) {
    this.#context ??= this.kind === "chromium" ? await this.#browser.newContext({ ignoreHTTPSErrors: false, ...context }) : await this.#browser.createBrowserContext();
    const tab = await this.#context.newPage();
    // Puppeteer's pages are smaller than a desk's.
    if (this.kind === "firefox") await tab.setViewport({ width: 1280, height: 900 });
    tab.on("pageerror", (error) => this.#noise.push(`uncaught: ${error.message}`));
    tab.on("console", (message) => {
      if (message.type() === "error") this.#noise.push(`console: ${message.text()} ${message.location?.()?.url ?? ""}`);
    });
    return tab;
  }

  /** Errors that the browser itself writes where a promise is about failures. */
  mayHear(...patterns) {
    this.#mayHear.push(...patterns);
  }

  /** No error was logged, no policy violated. */
  expectQuiet() {
    const heard = this.#noise.filter((line) => !this.#mayHear.some((pattern) => pattern.test(line)));
    assert.deepEqual(heard, [], "the console stays free of errors");
  }

  /** What the simulated endpoint itself counted. */
  async stats(spec, server = this.server) {
    const answer = await fetch(`${server.http}/mock/${spec}/stats`);
    return answer.json();
  }

  async close() {
    await this.#context?.close();
  }
}
