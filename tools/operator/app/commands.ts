import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import messages from "#app/messages.ts";
import { formatMoney } from "#core/messages/formats.ts";
import { buildLandingPage } from "#tools/landing/landing_page.ts";
import { consoleCommand } from "#tools/operator/app/console.ts";
import { createApp } from "#tools/operator/app/create_app.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

const NO_DEEP_LINK =
  "The app file has no `urls.deepLink`, so the page opens no installed app and offers no passkey. Set it, such as acme://sign-in, and build the page again.";

/** `app create | landing | console | show`. */
export function appCommands(program: Command): void {
  const area = program.command("app").description("the app: its name, clients, plans, texts and colors");

  const create = area
    .command("create")
    .argument("<name>", "the name of the folder, such as acme")
    .option("--title <title>", "what people call the app; default: the name with a capital letter")
    .option("--domain <domain>", "the domain of its website and mail addresses", "acme.example")
    .description("creates the files of a new app in app/<name>, with a browser client and a plan");
  examples(create, ["app create acme", 'app create acme --title "Acme Pro" --domain acme.example']);
  act(create, async (terminal, name: string, options: { title?: string; domain: string }) => {
    const files = await createApp(name, options);
    terminal.show({ files }, [
      ...files.map((file) => `created ${file}`),
      "",
      `Run it: NEST_APP=app/${name} npm start`,
      `Change app/${name}/app.ts: your editor completes each field. docs/your_app.md explains it.`,
    ]);
  });

  const landing = area
    .command("landing")
    .option("--out <folder>", "where to write it", "dist/landing")
    .description("builds the page that magic links open, as static files for any web server");
  examples(landing, ["app landing --out /var/www/sign-in"]);
  act(landing, async (terminal, { out }: { out: string }) => {
    const files = await buildLandingPage({ app, folder: appFolder, messages, base: "" });
    await mkdir(out, { recursive: true });
    for (const [name, content] of files) await writeFile(join(out, name), content);
    const written = [...files.keys()].map((name) => join(out, name));
    const warnings = app.urls.deepLink === null ? [NO_DEEP_LINK] : [];
    terminal.show({ files: written, warnings }, [...written, ...warnings]);
  });

  consoleCommand(area);

  const show = area.command("show").description("shows the app that NEST_APP selects, after checking it");
  examples(show, ["app show"]);
  act(show, async (terminal) => {
    const plans = app.plans.map(({ id, amount, interval, isOffered, prices }) => [
      `plan ${id}`,
      `${formatMoney({ amount: amount.unitAmount, currency: amount.currency })} a ${interval}${isOffered ? "" : ", no longer offered"}`,
      `prices on ${Object.keys(prices).join(", ")}`,
    ]);
    const clients = app.clients.map(({ id, name, enabled }) => [
      `client ${id}`,
      name,
      enabled ? "enabled" : "disabled",
    ]);
    terminal.show({ folder: appFolder, app }, [
      ...table([[appFolder, app.name, app.locales.join(", ")], ...clients, ...plans]),
    ]);
  });
}
