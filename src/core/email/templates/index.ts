import { magicLink } from "#core/email/templates/magic_link.ts";

/** Every mail we send, by the name that the contract gives it (1.5). */
export const TEMPLATES = { "magic-link": magicLink } as const;

export type TemplateName = keyof typeof TEMPLATES;
export type TemplateVariables<Name extends TemplateName> = (typeof TEMPLATES)[Name]["sample"];
