/** A feature of another service, and what Nest has for it. */
export interface CoverageRow {
  /** A letter for the service and a number. */
  id: string;
  feature: string;
  /** What Nest has, or why it has something else. */
  nest: string;
  /**
   * Tests that show it, in addition to those whose names begin with the id: a file below `tests`, and the beginning of a test's
   * name. A row without any test is open.
   */
  tests: readonly (readonly [file: string, name: string])[];
}

/** Makes a row. @param tests each as `file > beginning of a name` */
export const row = (id: string, feature: string, nest: string, ...tests: readonly string[]): CoverageRow => ({
  ...{ id, feature, nest },
  tests: tests.map((test) => {
    const [file = "", name = ""] = test.split(" > ");
    return [file, name];
  }),
});
