import type { Command } from "commander";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { act, examples } from "#tools/terminal/command.ts";
import { table } from "#tools/terminal/table.ts";

/** `clients list | build`. */
export function clientCommands(program: Command): void {
  const clients = program
    .command("clients")
    .description("OAuth clients of the app, and the typed client package");
  const list = clients.command("list").description("lists the OAuth clients of the app");
  examples(list, ["clients list"]);
  act(list, async (terminal) => {
    const rows = app.clients.map((client) => [
      client.id,
      client.name,
      client.enabled ? "enabled" : "disabled",
      lifetimes(client),
      client.redirectUris.join(" "),
    ]);
    const head = ["client", "name", "state", "access token", "redirect URIs"];
    terminal.show({ clients: app.clients }, table(rows, head));
  });

  const build = clients
    .command("build")
    .description("builds the files of the typed client package, packages/client");
  examples(build, ["clients build"]);
  act(build, async (terminal) => {
    const { buildClient } = await import("#tools/operator/build_client.ts");
    const sizes = await buildClient();
    terminal.show({ sizes }, sizes);
  });
}

/** @returns such as `3600 s`, or `3600 s local, 864000 s nonprod, 864000 s prod` */
function lifetimes({ accessTokenLifetimeSeconds }: Client): string {
  const stages = Object.entries(accessTokenLifetimeSeconds);
  const [[, first] = []] = stages;
  return stages.every(([, seconds]) => seconds === first)
    ? `${first} s`
    : stages.map(([stage, seconds]) => `${seconds} s ${stage}`).join(", ");
}
