import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import type { App } from "#core/app/app.ts";
import { buildConsole, type ConsoleSettings } from "#tools/console/build_console.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

interface ConsoleOptions {
  /** The id of an OAuth client. */
  client: string;
  /** Where the console will be served. */
  url: string;
  /** `nonprod` or `prod`. */
  api: string;
  out: string;
}

/** `app console`. */
export function consoleCommand(area: Command): void {
  const command = area
    .command("console")
    .requiredOption("--client <id>", "the OAuth client that it signs in with; its cookies must be enabled")
    .requiredOption("--url <url>", "where it will be served, one of the client's redirectUris")
    .option("--api <stage>", "the stage whose API it calls, nonprod or prod", "prod")
    .option("--out <folder>", "where to write it", "dist/console")
    .description("builds the admin console, as static files for any web server");
  examples(command, ["app console --client client_support --url https://console.acme.example/"]);
  act(command, async (terminal, options: ConsoleOptions) => {
    const files = await buildConsole(consoleSettings(app, appFolder, options));
    await mkdir(options.out, { recursive: true });
    for (const [name, content] of files) await writeFile(join(options.out, name), content);
    const written = [...files.keys()].map((name) => join(options.out, name));
    terminal.show({ files: written }, written);
  });
}

/**
 * The settings of a hosted console, after checking that the client can be used from its URL.
 * @throws CommandError with the field of the app file that is missing
 */
export function consoleSettings(
  app: App,
  folder: string,
  { client: id, url, api: stage }: Omit<ConsoleOptions, "out">,
): ConsoleSettings {
  if (stage !== "nonprod" && stage !== "prod")
    throw new CommandError(`No stage "${stage}". Use nonprod or prod.`);
  const file = `${folder}/app.ts`;
  const client = app.clients.find((one) => one.id === id);
  if (!client?.enabled) throw new CommandError(`${file} has no enabled client "${id}". Add one.`);
  if (!client.cookies.enabled)
    throw new CommandError(`The cookies of client "${id}" are not enabled. Set \`cookies\` in ${file}.`);
  if (!client.redirectUris.includes(url))
    throw new CommandError(
      `Client "${id}" does not redirect to "${url}". Add it to \`redirectUris\` in ${file}.`,
    );
  const { origin } = new URL(url);
  if (!client.origins.includes(origin))
    throw new CommandError(`Client "${id}" has no origin "${origin}". Add it to \`origins\` in ${file}.`);
  return {
    ...{ app, folder, api: app.urls.api[stage], clientId: id, url, base: "", inbox: null },
    grant: "npm run nest -- users grant {user} support",
  };
}
