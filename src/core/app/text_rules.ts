/** What a text must contain. */
export interface TextRule {
  /** The placeholders that the text must contain. Every text may also contain `{app}`, the name of the app. */
  placeholders: readonly string[];
  /** A part of the text is a link. It is in square brackets. */
  hasLink: boolean;
  /** The text depends on a number. */
  isPlural: boolean;
}

/** A text with these placeholders. */
export const text = (...placeholders: string[]) =>
  ({ placeholders, hasLink: false, isPlural: false }) as const satisfies TextRule;
/** A text a part of which is a link. */
export const linked = () =>
  ({ placeholders: [], hasLink: true, isPlural: false }) as const satisfies TextRule;
/** A text that depends on a number. */
export const plural = (...placeholders: string[]) =>
  ({ placeholders, hasLink: false, isPlural: true }) as const satisfies TextRule;
