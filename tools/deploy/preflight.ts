import { execFileSync } from "node:child_process";
import { ROOT } from "#tools/deploy/root.ts";
import { APP_OUTPUT } from "#tools/deploy/template.ts";
import { checkParameters, checkSettings, type StageCheck } from "#tools/stage/config/check_stage.ts";
import { StoreError } from "#tools/stage/config/parameter_store.ts";
import type { OnStage } from "#tools/stage/on_stage.ts";
import { stripeDifferences } from "#tools/stage/stripe/check.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The most uncommitted files that a message names. */
const NAMED_FILES = 10;

/** @throws CommandError naming every setting that is missing or wrong in the stage file */
export function requireSettings(stage: OnStage): void {
  const { problems } = checkSettings(stage);
  if (problems.length > 0) throw notReady(stage, problems);
}

/**
 * Reads the stage's parameters.
 * @throws CommandError naming everything that a deploy lacks: settings, secrets, and credentials if AWS refuses them
 */
export async function requireReady(stage: OnStage): Promise<StageCheck["parameters"]> {
  const { problems } = checkSettings(stage);
  try {
    const checked = await checkParameters(stage.inventory, stage.store);
    problems.push(...checked.problems);
    if (problems.length === 0) return checked.parameters;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    problems.push(`${error.message} The secrets could not be checked.`);
  }
  throw notReady(stage, problems);
}

function notReady({ store: { stage }, settingsFile }: OnStage, problems: readonly string[]): CommandError {
  return new CommandError(
    [
      `The stage ${stage} is not ready to deploy:`,
      ...problems.map((problem) => `  ${problem}`),
      `Settings belong in ${settingsFile}. Secrets belong in SSM: \`npm run nest -- config put <NAME> --stage ${stage}\`.`,
      "See docs/deploy.md.",
    ].join("\n"),
  );
}

/**
 * @param isDirtyAllowed deploys files that are not committed
 * @returns the commit that is deployed, as a line for the terminal
 * @throws CommandError naming the uncommitted files
 */
export function requireCommitted(isDirtyAllowed: boolean): string {
  const changes = git("status", "--porcelain").split("\n").filter(Boolean);
  const commit = git("log", "-1", "--format=%h %s");
  if (changes.length === 0) return `commit ${commit}`;
  const named = changes.slice(0, NAMED_FILES).map((line) => line.trim());
  if (changes.length > NAMED_FILES) named.push(`and ${changes.length - NAMED_FILES} more`);
  if (isDirtyAllowed) return `commit ${commit}, with uncommitted changes: ${named.join(", ")}`;
  throw new CommandError(
    [
      "These files are not committed, so no commit would identify the deployed code:",
      ...named.map((line) => `  ${line}`),
      "Commit them, or add --dirty to deploy them anyway.",
    ].join("\n"),
  );
}

/**
 * The name of a stack contains the stage and not the app. So a deployment of another app would replace the running one.
 * @param outputs the stack's outputs; null if the stack does not exist
 * @param app the folder of the app to deploy
 * @throws CommandError if the stage runs another app
 */
export function requireSameApp(
  outputs: ReadonlyMap<string, string> | null,
  app: string,
  isOtherAppAllowed: boolean,
): void {
  const deployed = outputs?.get(APP_OUTPUT);
  if (deployed === undefined || deployed === app || isOtherAppAllowed) return;
  throw new CommandError(
    [
      `The stage runs the app ${deployed}, and ${app} would replace it: users of ${deployed} could not sign in anymore.`,
      `Set NEST_APP=app/${deployed}, or deploy ${app} to an AWS account of its own.`,
      "If only the folder has another name now, add --other-app.",
    ].join("\n"),
  );
}

function git(...args: string[]): string {
  try {
    return execFileSync("git", args, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    throw new CommandError("git can't read this folder. Install git and deploy from a clone.");
  }
}

/**
 * The URL of a stage's webhook.
 * @param outputs the stack's outputs; null if the stack does not exist
 * @returns null for a stage without a domain before its first deployment, which gives the stage its address
 */
export function webhookUrl(
  { domain, variables }: OnStage["settings"],
  outputs: ReadonlyMap<string, string> | null,
): string | null {
  const isAddressKnown = domain.name !== null || outputs?.get("ApiUrl") !== undefined;
  return isAddressKnown ? `${variables.ISSUER}/1/webhook/stripe` : null;
}

/**
 * @param url the webhook's URL; null if the stage has no address yet, so that no endpoint can exist for it
 * @throws CommandError naming how Stripe's webhook endpoint or price differs from what the code needs
 */
export async function requireStripe(
  { settings, store }: Pick<OnStage, "settings"> & { store: Pick<OnStage["store"], "stage"> },
  parameters: StageCheck["parameters"],
  url: string | null,
): Promise<void> {
  const { STRIPE_PRICE_ID, STRIPE_PRODUCT_IDS } = settings.variables;
  const differences = await stripeDifferences(url, {
    STAGE: store.stage,
    STRIPE_URL: process.env.STRIPE_URL,
    STRIPE_SECRET_KEY: parameters.get("STRIPE_SECRET_KEY")?.value,
    STRIPE_PRICE_ID: STRIPE_PRICE_ID ?? undefined,
    STRIPE_PRODUCT_IDS: STRIPE_PRODUCT_IDS ?? undefined,
  });
  if (differences.length === 0) return;
  const lines = differences.map((difference) => `  ${difference}`).join("\n");
  throw new CommandError(`Stripe is not set up for this deployment:\n${lines}\nSee docs/runbooks/stripe.md.`);
}
