import { TEMPLATES, type TemplateName, type TemplateVariables } from "#core/email/templates/index.ts";

export interface RenderedMail {
  subject: string;
  html: string;
  text: string;
}

/** Fills a template. Values are escaped in the HTML part and stand as they are in the text part. */
export function renderMail<Name extends TemplateName>(
  name: Name,
  variables: TemplateVariables<Name>,
): RenderedMail {
  const template = TEMPLATES[name];
  return { subject: template.subject, html: template.html(variables), text: template.text(variables) };
}
