import { table } from "#tools/terminal/table.ts";

/** Runs the steps of the verification, and keeps the result and the duration of each. */
export class Steps {
  readonly #rows: string[][] = [];

  /**
   * Runs a step.
   * @param work returns its result, in a few words
   * @throws Error with the step's name and the message of `work`
   */
  async run(what: string, work: () => Promise<string>): Promise<void> {
    const startedAt = Date.now();
    try {
      this.#add(what, await work(), startedAt);
    } catch (error) {
      this.#add(what, "FAILED", startedAt);
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  table(): string {
    return table(this.#rows, ["Step", "Result", "Time"]).join("\n");
  }

  #add(what: string, seen: string, startedAt: number): void {
    const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
    this.#rows.push([what, seen, took]);
    console.log(`${seen === "FAILED" ? "FAIL" : "ok  "}  ${what}: ${seen} (${took})`);
  }
}
