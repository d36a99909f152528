/** What a deploy tells a person while it runs: one line for each step that is done. */
export const done = (what: string): void => console.log(`ok    ${what}`);
export const note = (what: string): void => console.log(`      ${what}`);
