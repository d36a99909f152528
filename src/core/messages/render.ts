import { TEMPLATES, type TemplateName, type TemplateVariables } from "#core/messages/templates/index.ts";
import type { Template } from "#core/messages/templates/template.ts";

export interface RenderedMail {
  subject: string;
  html: string;
  text: string;
}

const templateOf = <Name extends TemplateName>(name: Name) =>
  TEMPLATES[name] as unknown as Template<TemplateVariables<Name>>;

/** Renders a template. Values are escaped in the HTML part, and literal in the text part. */
export function renderMail<Name extends TemplateName>(
  name: Name,
  variables: TemplateVariables<Name>,
): RenderedMail {
  const template = templateOf(name);
  return { subject: template.subject, html: template.html(variables), text: template.text(variables) };
}

/** Renders a template with its own sample values, for the preview. */
export function renderSample(name: TemplateName): RenderedMail {
  return renderMail(name, templateOf(name).sample);
}
