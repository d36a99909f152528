import { type AppMessages, MAIL_TEXTS, type MailTexts } from "#core/app/mail_texts.ts";
import { AppError } from "#core/app/read_app.ts";
import type { TextRule } from "#core/app/text_rules.ts";

/** The longest text. It keeps a mail below the size at which mail clients cut it off. */
const LONGEST_TEXT = 500;

/** Placeholders that a text may contain although its rule does not name them. */
const OPTIONAL = ["app", "emoji"];

/**
 * Checks the texts of one locale.
 * @param texts the default export of `app/<name>/messages/<locale>.ts`
 * @param file named in the error
 * @throws AppError that names each text that is missing, unknown or wrong, its rule and how to correct it
 */
export function readMessages(texts: unknown, file: string): AppMessages[string] {
  if (!isObject(texts))
    throw new AppError(file, [
      "default export: must be what defineMessages({...}) returns. Add `export default`.",
    ]);
  const { formats, ...groups } = texts;
  const problems = [...checkFormats(formats), ...compareNames(groups, MAIL_TEXTS, "")];
  for (const [name, rules] of Object.entries(MAIL_TEXTS)) {
    const group = groups[name];
    if (group === undefined) continue;
    if (isObject(group)) problems.push(...checkGroup(group, rules, name));
    else problems.push(`${name} must be an object with a text for each of ${Object.keys(rules).join(", ")}.`);
  }
  if (problems.length > 0) throw new AppError(file, problems);
  return texts as unknown as MailTexts;
}

function checkFormats(formats: unknown): string[] {
  if (formats === undefined) return ["formats is missing. Add a language tag such as en-GB."];
  try {
    if (Intl.DateTimeFormat.supportedLocalesOf(String(formats)).length > 0) return [];
  } catch {
    // Not a language tag.
  }
  return [
    `formats is ${JSON.stringify(formats)}, but must be a language tag that Node knows, such as en-GB.`,
  ];
}

function checkGroup(group: object, rules: Readonly<Record<string, TextRule>>, name: string): string[] {
  const texts = group as Record<string, unknown>;
  return [
    ...compareNames(texts, rules, `${name}.`),
    ...Object.entries(rules).flatMap(([text, rule]) =>
      texts[text] === undefined ? [] : checkEntry(texts[text], rule, `${name}.${text}`),
    ),
  ];
}

function compareNames(given: object, wanted: object, prefix: string): string[] {
  const missing = Object.keys(wanted).filter(
    (name) => (given as Record<string, unknown>)[name] === undefined,
  );
  const surplus = Object.keys(given).filter((name) => !Object.hasOwn(wanted, name));
  return [
    ...missing.map((name) => `${prefix}${name} is missing. Add the text.`),
    ...surplus.map((name) => `${prefix}${name} is not a text of an app. Correct its name, or remove it.`),
  ];
}

/** Checks one text, or the texts of each plural category. */
function checkEntry(entry: unknown, rule: TextRule, path: string): string[] {
  if (!rule.isPlural) return checkText(entry, rule, path);
  if (!isObject(entry) || entry.other === undefined)
    return [`${path} must be an object with the text \`other\`, and \`one\` if the language has a singular.`];
  const categories = ["zero", "one", "two", "few", "many", "other"];
  return Object.entries(entry).flatMap(([category, text]) => {
    if (!categories.includes(category))
      return [`${path}.${category} is not one of ${categories.join(", ")}. Rename or remove it.`];
    // A singular may say the number as a word.
    const required = rule.placeholders.filter((name) => category === "other" || name !== "count");
    const allowed = rule.placeholders;
    return checkText(text, { ...rule, placeholders: required }, `${path}.${category}`, allowed);
  });
}

function checkText(
  text: unknown,
  { placeholders, hasLink }: TextRule,
  path: string,
  allowed: readonly string[] = placeholders,
): string[] {
  if (typeof text !== "string") return [`${path} must be a string.`];
  if (text.trim() === "" || text.length > LONGEST_TEXT || /\p{Cc}/u.test(text))
    return [`${path} must have 1 to ${LONGEST_TEXT} characters and no line break.`];
  const used = [...text.matchAll(/\{(.*?)\}/g)].map(([, name = ""]) => name);
  const links = text.match(/\[[^[\]]+\]/g)?.length ?? 0;
  return [
    ...placeholders
      .filter((name) => !used.includes(name))
      .map((name) => `${path} lacks {${name}}. Add it where the value belongs.`),
    ...used
      .filter((name) => !allowed.includes(name) && !OPTIONAL.includes(name))
      .map((name) => `${path} has {${name}}, but only ${choices(allowed)} may be used there.`),
    ...(hasLink && links !== 1 ? [`${path} must have one part in [brackets], which becomes the link.`] : []),
    ...(!hasLink && /[[\]]/.test(text) ? [`${path} has brackets, but no link. Remove them.`] : []),
  ];
}

const choices = (names: readonly string[]) => ["app", ...names].map((name) => `{${name}}`).join(", ");
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
