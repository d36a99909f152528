import type { App } from "#core/app/app.ts";
import { type OAuthClient, OAuthClients } from "#core/clients/oauth_clients.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";

type Listing = { adapters?: StageSettings["adapters"] };

/** Returns the functions that a stage has: the function of an adapter only if the stage file lists it. */
export const functionsOn = (
  functions: readonly DeployedFunction[],
  { adapters = [] }: Listing,
): DeployedFunction[] =>
  functions.filter(({ adapter }) => adapter === null || adapters.includes(adapter.name));

/**
 * Returns which adapters of a stage file can't work, a sentence each.
 * @param functions those of the stage
 */
export function adapterProblems(
  { adapters = [] }: Listing,
  functions: readonly DeployedFunction[],
  { app, stage }: { app: Pick<App, "clients">; stage: StageName },
): string[] {
  const oauthClients = new OAuthClients(app.clients, stage);
  return adapters.flatMap((name) => {
    const found = functions.find(({ adapter }) => adapter?.name === name)?.adapter;
    if (!found) return [`adapters.${name}: there is no such adapter`];
    const clients = oauthClients.ofAdapter(name);
    if (clients.length === 0 || (clients.length > 1 && found.clientHeader === undefined))
      return [
        `adapters.${name}: ${found.clientHeader === undefined ? "exactly one" : "an"} enabled client of the app file must list it in \`adapters\``,
      ];
    const problems = clients.flatMap((client) => clientProblems(found, client, stage));
    return problems.map((problem) => `adapters.${name}: ${problem}`);
  });
}

type Adapter = NonNullable<DeployedFunction["adapter"]>;

/** What a client lacks that lists an adapter. */
function clientProblems(
  { grants, settings = {}, passesCaptcha = false }: Adapter,
  client: OAuthClient,
  stage: StageName,
): string[] {
  if (client.captcha !== null && !passesCaptcha)
    return [`${client.id} has a CAPTCHA, which programs of the other API can't show`];
  const missing = grants.filter((grant) => !client.grants.includes(grant));
  const wrong = Object.entries(settings).filter(
    ([name, value]) => client[name as keyof OAuthClient] !== value,
  );
  return [
    ...missing.map((grant) => `${client.id} must list the grant ${grant} on ${stage}`),
    ...wrong.map(([name, value]) => `${client.id} must have ${name} "${value}"`),
  ];
}
