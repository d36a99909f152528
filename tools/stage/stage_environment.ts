import type { Environment } from "#core/config.ts";
import { openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { FROM_STACK } from "#tools/stage/variables.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The secrets that every operator's command gets. None of them signs tokens or gives access to the API. */
const SECRETS = ["MONGODB_URI", "STRIPE_SECRET_KEY"];

/**
 * Returns the environment in which an operator's command works on a deployed stage: its settings, and its secrets from
 * SSM. Variables of the shell with the same names are ignored.
 * @param more further secrets that the command reads
 * @throws CommandError if a secret is missing or SSM can't be read; SettingsError; UsageError
 */
export async function stageEnvironment(
  options: StageOptions,
  shell: Environment,
  more: readonly string[] = [],
): Promise<Environment> {
  const { settings, inventory, store } = await openStage(options);
  const secrets = [...SECRETS, ...more];
  const stored = await store.read(secrets);
  const missing = secrets.filter((name) => !stored.has(name));
  if (missing.length > 0) throw new CommandError(`${missing.join(", ")}: missing in SSM.`);
  const ofStage = new Set([
    ...[...inventory.settings, ...inventory.parameters].map(({ name }) => name),
    ...Object.keys(FROM_STACK),
    // Only a rehearsal uses a double of Stripe.
    ...(store.isRehearsal ? [] : ["STRIPE_URL"]),
  ]);
  const own = Object.entries(shell).filter(([name]) => !ofStage.has(name));
  const variables = Object.entries(settings.variables).filter(([, value]) => value !== null);
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(variables),
    ...Object.fromEntries([...stored].map(([secret, { value }]) => [secret, value])),
    STAGE: store.stage,
    MAIL_CONFIGURATION_SET: `nest-${store.stage}`,
    AWS_REGION: settings.region,
  };
}
