import { htmlPart } from "#core/messages/html_part.ts";
import { TEMPLATES, type TemplateName, type TemplateVariables } from "#core/messages/templates/index.ts";
import type { Template } from "#core/messages/templates/template.ts";
import { textPart } from "#core/messages/text_part.ts";
import type { Wording } from "#core/messages/wording.ts";

export interface RenderedMail {
  subject: string;
  html: string;
  text: string;
}

const templateOf = <Name extends TemplateName>(name: Name) =>
  TEMPLATES[name] as unknown as Template<TemplateVariables<Name>>;

/** Renders a template in the locale of the wording. Values are escaped in the HTML part, and literal in the text part. */
export function renderMail<Name extends TemplateName>(
  name: Name,
  variables: TemplateVariables<Name>,
  wording: Wording,
): RenderedMail {
  const content = templateOf(name).write(variables, wording);
  return {
    // An app without an emoji leaves a space in its place.
    subject: content.subject.trim(),
    html: htmlPart(content, wording),
    text: textPart(content, wording),
  };
}

/** Renders a template with its own sample values, for the preview. */
export function renderSample(name: TemplateName, wording: Wording): RenderedMail {
  return renderMail(name, templateOf(name).sample, wording);
}
