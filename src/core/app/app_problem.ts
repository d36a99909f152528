/** A field of an app file and what is wrong with it. */
export interface AppProblem {
  path: readonly PropertyKey[];
  /** The rule that the value breaks, and how to correct it. */
  rule: string;
}
