import type { App } from "#core/app/app.ts";
import { OAuthClients } from "#core/clients/oauth_clients.ts";
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
    const [client, ...others] = oauthClients.ofAdapter(name);
    if (!client || others.length > 0)
      return [`adapters.${name}: exactly one enabled client of the app file must list it in \`adapters\``];
    if (client.captcha !== null)
      return [`adapters.${name}: ${client.id} has a CAPTCHA, which programs of the other API can't show`];
    const missing = found.grants.filter((grant) => !client.grants.includes(grant));
    return missing.map((grant) => `adapters.${name}: ${client.id} must list the grant ${grant} on ${stage}`);
  });
}
