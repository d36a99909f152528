import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadMessages } from "#app/load_messages.ts";
import messages from "#app/messages.ts";
import { AppError } from "#core/app/read_app.ts";
import { readMessages } from "#core/app/read_messages.ts";

const FILE = "app/acme/messages/fr.ts";

type Change = (texts: Record<string, Record<string, unknown>>) => void;

/** The texts of this process's app, changed. */
function changed(change: Change): Record<string, Record<string, unknown>> {
  const texts = structuredClone(messages.en) as unknown as Record<string, Record<string, unknown>>;
  change(texts);
  return texts;
}

/** The error that texts are refused with. */
function refusal(texts: unknown): string {
  try {
    readMessages(texts, FILE);
  } catch (error) {
    if (error instanceof AppError) return error.message;
  }
  throw new Error("the texts were accepted");
}

const set = (group: string, name: string, value: unknown) =>
  changed((texts) => {
    texts[group] = { ...texts[group], [name]: value };
  });

test("accepts the texts of every locale of the app", () => {
  for (const texts of Object.values(messages)) expect(readMessages(texts, FILE)).toBe(texts);
});

describe("a file of texts", () => {
  test.each<[string, unknown, string]>([
    [
      "without a text",
      changed((texts) => delete texts.magicLink?.title),
      "magicLink.title is missing. Add the text.",
    ],
    ["without a mail", changed((texts) => delete texts.welcome), "welcome is missing. Add the text."],
    [
      "with a text of no mail",
      set("magicLink", "titel", "Hi"),
      "magicLink.titel is not a text of an app. Correct its name, or remove it.",
    ],
    [
      "with a group of no mail",
      changed((texts) => {
        texts.goodbye = {};
      }),
      "goodbye is not a text of an app. Correct its name, or remove it.",
    ],
    [
      "with a text in place of a group",
      { ...messages.en, footer: "Hi" },
      "footer must be an object with a text for each of questions.",
    ],
    ["with a number in place of a text", set("footer", "questions", 7), "footer.questions must be a string."],
    [
      "with an empty text",
      set("footer", "questions", " "),
      "footer.questions must have 1 to 500 characters and no line break.",
    ],
    [
      "with a line break, which would add a header to the mail",
      set("welcome", "subject", "Welcome\r\nBcc: x@y.z"),
      "welcome.subject must have 1 to 500 characters and no line break.",
    ],
    [
      "that does not name the amount",
      set("rejection", "refunded", "We refunded you."),
      "rejection.refunded lacks {amount}. Add it where the value belongs.",
    ],
    [
      "with a placeholder that has no value",
      set("rejection", "refunded", "We refunded {amount} on {day}."),
      "rejection.refunded has {day}, but only {app}, {amount} may be used there.",
    ],
    [
      "without the link",
      set("welcomes", "docs", "New here? Read the docs."),
      "welcomes.docs must have one part in [brackets], which becomes the link.",
    ],
    [
      "with brackets where there is no link",
      set("footer", "questions", "[Questions]? {support}"),
      "footer.questions has brackets, but no link. Remove them.",
    ],
    [
      "with one text for all counts",
      set("trial", "daysBegin", "{count} days"),
      "trial.daysBegin must be an object with the text `other`, and `one` if the language has a singular.",
    ],
    [
      "with a plural category that no language has",
      set("trial", "daysBegin", { other: "{count} days", singular: "a day" }),
      "trial.daysBegin.singular is not one of zero, one, two, few, many, other. Rename or remove it.",
    ],
    [
      "without the count in the plural",
      set("trial", "daysBegin", { one: "one day", other: "some days" }),
      "trial.daysBegin.other lacks {count}. Add it where the value belongs.",
    ],
    [
      "with formats of no language",
      { ...messages.en, formats: "en_GB" },
      'formats is "en_GB", but must be a language tag that Node knows, such as en-GB.',
    ],
    [
      "without formats",
      { ...messages.en, formats: undefined },
      "formats is missing. Add a language tag such as en-GB.",
    ],
    [
      "without a default export",
      undefined,
      "default export: must be what defineMessages({...}) returns. Add `export default`.",
    ],
  ])("%s is refused by its path and its rule", (_case, texts, line) => {
    expect(refusal(texts)).toBe(`${FILE} can't be used:\n  ${line}`);
  });

  test("with several wrong texts is refused with all of them", () => {
    const texts = set("welcome", "title", "");
    delete texts.duplicate?.subject;
    expect(refusal(texts).split("\n")).toHaveLength(3);
  });
});

describe("the folder of texts", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nest-messages-"));
    await mkdir(join(folder, "messages"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (locale: string, texts: unknown) =>
    writeFile(join(folder, "messages", `${locale}.ts`), `export default ${JSON.stringify(texts)};`);

  test("has the texts of each locale of the app", async () => {
    await write("en", messages.en);
    await write("fr", messages.en);
    expect(Object.keys(await loadMessages(folder, { locales: ["fr", "en"] }))).toEqual(["fr", "en"]);
  });

  test("is refused without the file of a locale, and with a file of another locale", async () => {
    await write("en", messages.en);
    await expect(loadMessages(folder, { locales: ["en", "fr"] })).rejects.toThrow(
      /messages\/fr\.ts can't be used:\n {2}the file does not exist, but the app has the locale "fr"/,
    );
    await write("fr", messages.en);
    await expect(loadMessages(folder, { locales: ["en"] })).rejects.toThrow(
      /messages\/fr\.ts can't be used:\n {2}the app does not have the locale "fr"/,
    );
  });

  test("is refused by the file that has the wrong text", async () => {
    await write("en", messages.en);
    await write("fr", set("footer", "questions", ""));
    await expect(loadMessages(folder, { locales: ["en", "fr"] })).rejects.toThrow(/messages\/fr\.ts can't/);
  });
});
