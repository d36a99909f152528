import { escapeHtml } from "#core/escape_html.ts";

/** Markup that is already escaped. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
  toString(): string {
    return this.markup;
  }
}

/** A template tag for HTML: every value is escaped, unless it is `Html` itself. */
export function html(parts: TemplateStringsArray, ...values: (string | Html)[]): Html {
  const escaped = values.map(markupOf);
  return new Html(parts.reduce((text, part, index) => `${text}${escaped[index - 1] ?? ""}${part}`));
}

/**
 * Puts values into the placeholders of markup, such as `{{title}}`. Every value is escaped, unless it is `Html` itself.
 * @throws Error if the markup has a placeholder without a value
 */
export function fillMarkup(markup: string, values: Readonly<Record<string, string | Html>>): Html {
  const filled = markup.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`No value for ${placeholder}.`);
    return markupOf(value);
  });
  return new Html(filled);
}

const markupOf = (value: string | Html) => (value instanceof Html ? value.markup : escapeHtml(value));
