import { readdir } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { importFile } from "#app/read_file.ts";
import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";
import { AppError } from "#core/app/read_app.ts";
import { readMessages } from "#core/app/read_messages.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/**
 * Loads and checks the texts of mails in every locale of an app.
 * @param folder the folder of the app; a relative path begins at the root of the repository
 * @throws AppError that names the file, each wrong text, its rule and how to correct it
 */
export async function loadMessages(folder: string, { locales }: Pick<App, "locales">): Promise<AppMessages> {
  const path = resolve(ROOT, folder, "messages");
  const fileOf = (locale: string) => relative(ROOT, resolve(path, `${locale}.ts`)).replaceAll("\\", "/");
  const files = await readdir(path).catch(() => []);
  const found = files.filter((file) => file.endsWith(".ts")).map((file) => file.slice(0, -".ts".length));
  for (const locale of locales)
    if (!found.includes(locale))
      throw new AppError(fileOf(locale), [
        `the file does not exist, but the app has the locale "${locale}". Add the file, or remove the locale.`,
      ]);
  for (const locale of found)
    if (!locales.includes(locale))
      throw new AppError(fileOf(locale), [
        `the app does not have the locale "${locale}". Add the locale, or remove the file.`,
      ]);
  const entries = locales.map(async (locale) => {
    const texts = await importFile(resolve(path, `${locale}.ts`), fileOf(locale));
    return [locale, readMessages(texts, fileOf(locale))] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
