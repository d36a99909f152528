import { compileMarkup } from "#tools/mails/compile.ts";

export const path = "src/core/messages/compiled_markup.ts";

const literal = (markup: string) => `\`${markup.replace(/[\\`]|\$\{/g, "\\$&")}\``;

export async function render(): Promise<string> {
  const parts = Object.entries(await compileMarkup()).map(
    ([name, markup]) => `  ${name}: ${literal(markup)},\n`,
  );
  return `/** The markup of mails. \`npm run docs\` compiles it from tools/mails/mail.mjml. Do not edit: change that file. */
export const MARKUP = {
${parts.join("\n")}} as const;
`;
}
