import { table } from "#tools/terminal/command.ts";

/** What a proof has proved so far, and how long each took. */
export class Steps {
  readonly #rows: string[][] = [];

  /**
   * One thing to prove. @param work answers what was seen, in a few words
   * @throws whatever the work throws, with what was to be proved
   */
  async prove(what: string, work: () => Promise<string>): Promise<void> {
    const startedAt = Date.now();
    try {
      this.#add(what, await work(), startedAt);
    } catch (error) {
      this.#add(what, "FAILED", startedAt);
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    }
  }

  table(): string {
    return table([["Proved", "Seen", "Took"], ...this.#rows]).join("\n");
  }

  #add(what: string, seen: string, startedAt: number): void {
    const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
    this.#rows.push([what, seen, took]);
    console.log(`${seen === "FAILED" ? "FAIL" : "ok  "}  ${what}: ${seen} (${took})`);
  }
}
