import { createHash, randomBytes } from "node:crypto";
import type { Command } from "commander";
import app from "#app";
import type { Client } from "#core/app/app.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
import { readConfig } from "#core/config.ts";
import { coreVariables } from "#core/core.ts";
import { createLog } from "#core/log.ts";
import { mailer } from "#core/parts.ts";
import { mailOperatorLink } from "#core/sign_in/operator_link.ts";
import { withAwsCredentials } from "#tools/operator/aws_credentials.ts";
import { withAccounts } from "#tools/operator/with_accounts.ts";
import { act, examples, type Terminal } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

interface SendOptions {
  client?: string;
  redirectUri?: string;
  codeChallenge?: string;
  state?: string;
}

/** `links send`. */
export function linkCommands(program: Command): void {
  const links = program.command("links").description("magic links");
  const send = links
    .command("send")
    .argument("<address>", "an email address")
    .option("--client <id>", "the client that the link signs in; default: the first enabled client")
    .option("--redirect-uri <uri>", "one of the client's redirect URIs; default: its first")
    .option(
      "--code-challenge <challenge>",
      "the PKCE challenge of the program that will redeem the link; without it, the code verifier is printed",
    )
    .option("--state <state>", "the state of that program; default: random")
    .description(
      "mails a magic link, to check that mail arrives or to sign in by hand; no rate limit counts it",
    );
  examples(send, ["links send ada@example.com", "links send ada@example.com --client client_2Jx... --json"]);
  act(send, sendLink);
}

async function sendLink(terminal: Terminal, address: string, options: SendOptions): Promise<void> {
  const { environment } = terminal;
  const { STAGE } = readConfig({ STAGE: coreVariables.STAGE }, environment);
  const parts = {
    oauthClients: new OAuthClients(app.clients, STAGE),
    mailer: mailer.open(await withAwsCredentials(environment), { core: { app, stage: STAGE } }),
  };
  const client = choose(app.clients, options.client);
  const redirectUri = options.redirectUri ?? client.redirectUris[0] ?? "";
  const state = options.state ?? randomText();
  const codeVerifier = options.codeChallenge === undefined ? randomText() : null;
  const codeChallenge = options.codeChallenge ?? challengeOf(codeVerifier ?? "");
  await withAccounts(terminal, async (accounts) => {
    const log = createLog(terminal.err, () => accounts.clock.now());
    const link = await mailOperatorLink(
      { ...accounts, ...parts, log },
      { clientId: client.id, redirectUri, state, codeChallenge, address, device: null, isInternal: true },
    );
    if (link === null)
      throw new CommandError(
        "Mail to this address is suppressed after a bounce or complaint, so no link was sent. `mail show` has details.",
      );
    const sent = {
      ...{ authorization_id: link.authorizationId, expires_at: link.expiresAt },
      ...{ client_id: client.id, redirect_uri: redirectUri, state, code_verifier: codeVerifier },
    };
    terminal.show(sent, [
      `Mailed a link for ${client.name} (${link.authorizationId}). It expires at ${link.expiresAt}.`,
      ...(codeVerifier === null
        ? []
        : [
            "Apps refuse it, because they did not request it. To redeem its code, call authenticate_user with:",
            ...[
              `client_id      ${client.id}`,
              `redirect_uri   ${redirectUri}`,
              `code_verifier  ${codeVerifier}`,
            ],
          ]),
    ]);
  });
}

/** @throws CommandError if there is no such client, or it is disabled */
function choose(clients: readonly Client[], id: string | undefined): Client {
  const enabled = clients.filter((client) => client.enabled);
  const found = id === undefined ? enabled[0] : enabled.find((client) => client.id === id);
  if (found) return found;
  const ids = enabled.map((client) => client.id).join(", ") || "none";
  throw new CommandError(`No enabled client ${id ?? ""}. Enabled clients: ${ids}.`);
}

/** A random state or code verifier (RFC 7636, section 4.1). */
const randomText = () => randomBytes(32).toString("base64url");

const challengeOf = (verifier: string) => createHash("sha256").update(verifier).digest("base64url");
