// One line for each promise, and a summary as Rust's test runner writes it.

export class Report {
  #kept = 0;
  #broken = 0;
  #impossible = [];
  #title;
  #began = Date.now();

  constructor(title) {
    this.#title = title;
    console.log(`\n# ${title}`);
  }

  get isGood() {
    return this.#broken === 0 && this.#kept > 0;
  }

  kept(name, ms) {
    this.#kept += 1;
    console.log(`ok - ${name}${ms > 1000 ? ` (${ms} ms)` : ""}`);
  }

  broken(name, why) {
    this.#broken += 1;
    console.log(`not ok - ${name}\n    ${String(why).replaceAll("\n", "\n    ")}`);
  }

  impossible(name, why) {
    this.#impossible.push([name, why]);
    console.log(`ok - ${name} # cannot hold here`);
  }

  /** Tries one promise. */
  async attempt(name, work) {
    try {
      await work();
      this.kept(name);
    } catch (error) {
      this.broken(name, error?.stack ?? error);
    }
  }

  close() {
    if (this.#impossible.length > 0) console.log(`# cannot hold in ${this.#title}:`);
    for (const [name, why] of this.#impossible) console.log(`#   ${name}: ${why}`);
    const seconds = ((Date.now() - this.#began) / 1000).toFixed(1);
    const verdict = this.isGood ? "ok" : "FAILED";
    const others = this.#impossible.length > 0 ? ` ${this.#impossible.length} cannot hold;` : "";
    console.log(`test result: ${verdict}. ${this.#kept} passed; ${this.#broken} failed;${others} ${this.#title} in ${seconds}s`);
  }
}
