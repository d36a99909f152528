import { handler as oauthRevocation } from "#callbacks/oauth_revocation.ts";
import { handler as sesEvents } from "#callbacks/ses_events.ts";
import { handler as stripeWebhook } from "#callbacks/stripe_webhook.ts";
import { type Environment, originOf } from "#core/config.ts";
import { loadMethods } from "#routes.ts";
import { loadAdapters } from "#tools/stage/adapters.ts";
import { loadJobs } from "#tools/stage/jobs.ts";
import { movedTo, movedVariables } from "#tools/stage/moved_variables.ts";

/** Settings that the local stack sets itself. */
const OWN = ["STAGE", "ISSUER"];
/** Settings that belong to the account of STRIPE_SECRET_KEY. */
const OF_STRIPE_ACCOUNT = ["STRIPE_PRICE_ID", "STRIPE_PRODUCT_IDS"];
/** Settings that only the local stage accepts, so that a developer can set them. */
const FOR_DEVELOPERS = ["WEBHOOK_ALLOW_HOSTS"];
/** Variables that other parts of the local stack read. */
const READ_ELSEWHERE = ["MONGODB_URI", "STRIPE_SECRET_KEY", "STRIPE_URL"];

/** The variables of deployed functions that a developer's shell sets. */
export interface ShellSettings {
  /** The values that the functions of the local stack get. */
  taken: Record<string, string>;
  /** The names of variables that have no effect. */
  ignored: string[];
  /** The names of variables that an earlier version read. */
  moved: string[];
}

/**
 * Sorts the variables of deployed functions that a shell sets. The local stack takes settings, such as lifetimes and
 * limits. It generates its secrets and decides its own address. Variables that Lambda sets, such as AWS_REGION, are common
 * in shells and are not listed.
 * @param shell the environment of `npm start`
 */
export async function readShellSettings(shell: Environment): Promise<ShellSettings> {
  const listed = await Promise.all([loadMethods(), loadJobs(), loadAdapters()]);
  const functions = [
    stripeWebhook,
    sesEvents,
    oauthRevocation,
    ...listed.flat().map(({ handler }) => handler),
  ];
  const variables = Object.assign({}, ...functions.map(({ needs }) => needs.variables));
  const taken: Record<string, string> = {};
  const ignored: string[] = [];
  for (const name of Object.keys(variables).sort()) {
    const value = shell[name];
    const origin = originOf(variables[name]);
    if (!value || origin === "lambda" || READ_ELSEWHERE.includes(name)) continue;
    if (OF_STRIPE_ACCOUNT.includes(name)) {
      if (!shell.STRIPE_SECRET_KEY) ignored.push(name);
    } else if (FOR_DEVELOPERS.includes(name) || (origin === "setting" && !OWN.includes(name)))
      taken[name] = value;
    else ignored.push(name);
  }
  const moved = movedVariables(Object.keys(shell).filter((name) => shell[name]));
  return { taken, ignored, moved };
}

/** The lines that `npm start` prints about its settings. */
export function describeSettings({ taken, ignored, moved }: ShellSettings): string[] {
  const names = Object.keys(taken);
  return [
    ...(names.length === 0 ? [] : [`Settings from your environment: ${names.join(", ")}`]),
    ...(ignored.length === 0
      ? []
      : [`Ignored in your environment, because the local stack sets its own: ${ignored.join(", ")}`]),
    ...moved.map((name) => `Ignored in your environment: ${name}, because ${movedTo(name)}`),
  ];
}
