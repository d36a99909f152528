import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createIndexes, missingIndexes } from "#core/repositories/index_setup.ts";
import { openMongo } from "#core/services/mongo.ts";
import { noteProved } from "#tools/deploy/deployment_record.ts";
import { deploymentOf, LiveStack } from "#tools/deploy/live_stack.ts";
import { FUNCTIONS_FOLDER, packageFunctions } from "#tools/deploy/package.ts";
import { done, note } from "#tools/deploy/say.ts";
import { deployStack, listDeployments, packageStack, ROOT, type Stack } from "#tools/deploy/serverless.ts";
import { smoke } from "#tools/deploy/smoke.ts";
import { checkStage, PUBLIC_KEYS, type StageCheck } from "#tools/stage/config/check_stage.ts";
import type { OnStage } from "#tools/stage/on_stage.ts";
import { stripeDifferences } from "#tools/stage/stripe/check.ts";
import { CommandError } from "#tools/terminal/errors.ts";

export interface DeployOptions extends OnStage {
  settingsFile: string;
  /** Where the API is called for the smoke test; its own address unless told. */
  url: string | null;
  /** Deploys what is not committed. */
  isDirtyAllowed: boolean;
}

/** So many uncommitted files are named. */
const NAMED_CHANGES = 10;

/**
 * Checks, packages and deploys a stage, makes the database's indexes, and calls what was deployed.
 * @throws CommandError, or whatever a step throws; what was done by then stays
 */
export async function deploy(options: DeployOptions): Promise<void> {
  const { stage } = options.store;
  const commit = requireCommitted(options.isDirtyAllowed);
  const checked = await requireGoodStage(options);
  await requireGoodStripe(options, checked);
  const folder = `dist/${stage}`;
  const stack: Stack = {
    stage,
    settings: options.settingsFile,
    versions: `${folder}-versions.json`,
    folder,
  };
  await packageFunctions(join(ROOT, FUNCTIONS_FOLDER), note);
  await writeVersions(join(ROOT, stack.versions), checked);
  await packageStack(stack);
  done(`packaged ${options.functions.length} functions of ${commit}`);
  // Before the code that needs them: an index that is too early hurts nobody.
  await prepareDatabase(checked);
  const live = new LiveStack(stage, options.settings);
  const isChanged = await deployStack(stack, await isAnotherLive(live, stack));
  done(isChanged ? `deployed nest-${stage}` : "nothing has changed since the last deployment");
  const url = options.url ?? (await addressOf(options));
  await smoke(url, kidsOf(checked), done);
  const deployment = deploymentOf(await live.template());
  if (deployment !== null) await noteProved(live, deployment);
  done(`${url} is live`);
}

/**
 * Whether the last deployment that was uploaded is not the live one: it failed, or was rolled back. The framework holds a
 * package against the last only, and would find nothing to do.
 */
async function isAnotherLive(live: LiveStack, stack: Stack): Promise<boolean> {
  if ((await live.outputs()) === null) return false;
  const [template, kept] = await Promise.all([live.template(), listDeployments(stack)]);
  return deploymentOf(template) !== kept.at(-1);
}

/** @returns what is deployed, in words */
function requireCommitted(isDirtyAllowed: boolean): string {
  const git = (...args: string[]) => {
    try {
      return execFileSync("git", args, {
        cwd: ROOT,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      throw new CommandError("Git does not know what is here: deploy from a clone, with git installed.");
    }
  };
  const changes = git("status", "--porcelain").split("\n").filter(Boolean);
  const commit = git("log", "-1", "--format=%h %s");
  if (changes.length === 0) {
    done(`everything is committed: ${commit}`);
    return commit;
  }
  const named = [
    ...changes.slice(0, NAMED_CHANGES).map((line) => line.trim()),
    ...(changes.length > NAMED_CHANGES ? ["..."] : []),
  ];
  if (!isDirtyAllowed)
    throw new CommandError(
      [
        `What is here is not committed, so nobody could tell what is deployed (files: ${changes.length}).`,
        ...named.map((line) => `  ${line}`),
        "Commit, or say --dirty.",
      ].join("\n"),
    );
  done(`not committed, as was allowed: ${named.join(", ")}, on top of ${commit}`);
  return `${commit}, with changes`;
}

async function requireGoodStage(options: DeployOptions): Promise<StageCheck> {
  const { settings, functions, inventory, store } = options;
  const checked = await checkStage(store, settings, functions, inventory, store);
  if (checked.problems.length > 0) {
    const lines = checked.problems.map((problem) => `  ${problem}`).join("\n");
    throw new CommandError(`${store.stage} is not ready:\n${lines}\nSee docs/deploy.md.`);
  }
  const { rows, parameters } = checked;
  done(`configuration: ${rows.length - parameters.size} settings and ${parameters.size} parameters are good`);
  return checked;
}

/** Stripe must be set up for what is about to be deployed. */
async function requireGoodStripe({ settings }: DeployOptions, { parameters }: StageCheck): Promise<void> {
  const { ISSUER, STRIPE_PRICE_ID, STRIPE_PRODUCT_IDS } = settings.variables;
  const environment = {
    STRIPE_URL: process.env.STRIPE_URL,
    STRIPE_SECRET_KEY: parameters.get("STRIPE_SECRET_KEY")?.value,
    STRIPE_PRICE_ID: STRIPE_PRICE_ID ?? undefined,
    STRIPE_PRODUCT_IDS: STRIPE_PRODUCT_IDS ?? undefined,
  };
  const differences = await stripeDifferences(`${ISSUER}/1/webhook/stripe`, environment);
  if (differences.length > 0)
    throw new CommandError(
      `Stripe is not set up:\n${differences.map((line) => `  ${line}`).join("\n")}\nSee docs/runbooks/stripe.md.`,
    );
  done("Stripe: endpoint, events and price are as they must be");
}

/** Functions read these versions of their parameters, until another deployment says otherwise. */
async function writeVersions(file: string, { parameters }: StageCheck): Promise<void> {
  const versions = [...parameters].map(([name, { version }]) => [name, `:${version}`]);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(Object.fromEntries(versions), null, 2));
}

async function prepareDatabase({ parameters }: StageCheck): Promise<void> {
  const uri = parameters.get("MONGODB_URI")?.value ?? "";
  const { client, database } = openMongo(uri, { isCommand: true });
  try {
    await client.connect();
    await createIndexes(database);
    const missing = await missingIndexes(database);
    if (missing.length > 0)
      throw new CommandError(`Indexes can't be made:\n${missing.map((one) => `  ${one}`).join("\n")}`);
    done(`database ${database.databaseName}: every index is there`);
  } finally {
    await client.close();
  }
}

/** Where a stage's API answers. */
export async function addressOf({ settings, store }: OnStage): Promise<string> {
  const outputs = await new LiveStack(store.stage, settings).outputs();
  const url = outputs?.get("ApiUrl");
  if (!url) throw new CommandError(`nest-${store.stage} is not deployed.`);
  const target = outputs?.get("ApiDomainTarget");
  if (target && !settings.domain.hostedZoneId) note(`${settings.domain.name} must point to ${target}`);
  return url;
}

/** The ids of the keys that a stage publishes. */
export function kidsOf({ parameters }: Pick<StageCheck, "parameters">): string[] {
  const { keys } = JSON.parse(parameters.get(PUBLIC_KEYS)?.value ?? '{"keys":[]}') as {
    keys: { kid: string; state: string }[];
  };
  // Retired ones leave the JWKS by themselves.
  return keys.filter(({ state }) => state !== "retired").map(({ kid }) => kid);
}
