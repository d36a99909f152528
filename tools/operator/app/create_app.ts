import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { safeParse } from "zod/mini";
import { filled } from "#core/app/app_fields.ts";
import { appSource, logoSource, stageSource } from "#tools/operator/app/app_source.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The app whose files a new app begins with. Its texts name the app by a placeholder. */
const PATTERN = join(ROOT, "app/beak");
const TEXTS = ["messages/en.ts", "messages/de.ts"];
const STAGES = ["stages/nonprod.yml", "stages/prod.yml"];

/** Names that Windows reserves for devices, so that a folder can't have them. */
const DEVICES = /^(con|nul|aux|prn|com\d|lpt\d)$/;
/** A domain name, whose labels have at most 63 characters. It is below the limit of 253, because Nest adds subdomains to it. */
const DOMAIN = /^(?=.{1,200}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/;
/** Below the limit of a name, because the names of clients and plans contain the title. */
const LONGEST_TITLE = 100;

/**
 * Creates the files of a new app.
 * @param name the name of its folder
 * @param options.folder where apps are; a test uses another folder
 * @returns the paths of the files, from the root of the repository
 * @throws UsageError for an unusable name, title or domain; CommandError if the folder exists
 */
export async function createApp(
  name: string,
  { title, domain, folder = "app" }: { title?: string; domain: string; folder?: string },
): Promise<string[]> {
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(name))
    throw new UsageError(
      "The name must have up to 30 lower-case letters, digits or _, and begin with a letter.",
    );
  if (DEVICES.test(name))
    throw new UsageError(
      `Windows reserves the name ${name}, so a folder can't have it. Choose another name.`,
    );
  if (!DOMAIN.test(domain)) throw new UsageError(`${domain} is not a domain. Pass one such as acme.example.`);
  const path = `${folder}/${name}`;
  if (existsSync(join(ROOT, path))) throw new CommandError(`${path} exists. Choose another name.`);
  const given = title ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  if (!safeParse(filled(), given).success || given.length > LONGEST_TITLE)
    throw new UsageError(
      `The title must have 1 to ${LONGEST_TITLE} characters, and no line break or control character.`,
    );
  const files = new Map([
    ["app.ts", appSource({ name, title: given, domain })],
    ["logo.svg", logoSource(given)],
    ...(await Promise.all(TEXTS.map((file) => copied(file, (text) => text)))),
    ...(await Promise.all(STAGES.map((file) => copied(file, (text) => stageSource(text, domain))))),
  ]);
  for (const [file, content] of files) {
    await mkdir(join(ROOT, path, file, ".."), { recursive: true });
    await writeFile(join(ROOT, path, file), content, { flag: "wx" });
  }
  return [...files.keys()].map((file) => `${path}/${file}`);
}

async function copied(file: string, change: (text: string) => string): Promise<[string, string]> {
  return [file, change(await readFile(join(PATTERN, file), "utf8"))];
}
