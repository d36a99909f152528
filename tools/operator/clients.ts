import type { Command } from "commander";
import { type OAuthClient, OAuthClients, oauthClientVariables } from "#core/clients/oauth_clients.ts";
import { readConfig } from "#core/config.ts";
import { act, examples, table } from "#tools/terminal/command.ts";

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** `clients check | build`. */
export function clientCommands(program: Command): void {
  const clients = program
    .command("clients")
    .description("OAuth clients of this environment, and the typed client package");
  const check = clients
    .command("check")
    .description("lists the clients and their problems; exits with status 1 if there is a problem");
  examples(check, ["clients check"]);
  act(check, async (terminal) => {
    const all = new OAuthClients(readConfig(oauthClientVariables, terminal.environment)).all();
    const problems = all.flatMap(problemsOf);
    const rows = all.map((client) => [
      client.id,
      client.name,
      client.enabled ? "enabled" : "disabled",
      `${client.accessTokenLifetime} s`,
      client.redirectUris.join(" "),
    ]);
    const head = ["client", "name", "state", "access token", "redirect URIs"];
    terminal.show({ clients: all, problems }, [...table([head, ...rows]), ...problems]);
    return problems.length === 0;
  });

  const build = clients
    .command("build")
    .description("builds the files of the typed client package, packages/client");
  examples(build, ["clients build"]);
  act(build, async (terminal) => {
    const { buildClient } = await import("#tools/openapi/build_client.ts");
    const size = await buildClient();
    terminal.show({ size }, size);
  });
}

function problemsOf({ id, enabled, redirectUris, origins }: OAuthClient): string[] {
  if (!enabled) return [];
  const isOpen = (address: string) => {
    const { protocol, hostname } = new URL(address);
    return protocol === "http:" && !LOOPBACK.test(hostname);
  };
  return [
    ...(redirectUris.length === 0 ? [`${id}: has no redirect URI, so no user can sign in with it`] : []),
    ...[...redirectUris, ...origins]
      .filter(isOpen)
      .map((address) => `${id}: ${address} is not https, so an authorization code could be intercepted`),
  ];
}
