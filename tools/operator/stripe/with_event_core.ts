import app from "#app";
import { billingVariables, readBilling } from "#core/billing/config.ts";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { systemClock } from "#core/clock.ts";
import { readConfig } from "#core/config.ts";
import { createLog } from "#core/log.ts";
import { mailVariables } from "#core/messages/config.ts";
import { mailer, stripe } from "#core/parts.ts";
import { openRepositories } from "#core/repositories/all.ts";
import { mongoVariables, openMongo } from "#core/services/mongo.ts";
import { stripeVariables } from "#core/services/stripe.ts";
import { withAwsCredentials } from "#tools/operator/aws_credentials.ts";
import type { Terminal } from "#tools/terminal/command.ts";

/** The variables an operator needs. Signing keys are not among them. */
const variables = {
  ...mongoVariables,
  ...stripeVariables,
  ...billingVariables,
  ...mailVariables,
};

/**
 * Runs work with the webhook's own code on the database, Stripe account and mail service of an environment. Warnings are
 * log lines on standard error.
 * @throws ConfigError naming every variable that is missing or invalid
 */
export async function withEventCore<Result>(
  { environment, err }: Pick<Terminal, "environment" | "err">,
  work: (core: EventCore) => Promise<Result>,
): Promise<Result> {
  const config = readConfig(variables, environment);
  const parts = {
    stripe: stripe.open(environment),
    billing: readBilling(environment, app),
    mailer: mailer.open(await withAwsCredentials(environment), { core: { app, stage: config.STAGE } }),
  };
  const { client, database } = openMongo(config.MONGODB_URI, {
    isCommand: true,
    isTlsOptional: config.STAGE === "local",
  });
  const log = createLog(err, () => systemClock.now());
  try {
    return await work({
      ...parts,
      app,
      stage: config.STAGE,
      clock: systemClock,
      log: { ...log, info: () => undefined },
      ...openRepositories(database),
    });
  } finally {
    await client.close();
  }
}
