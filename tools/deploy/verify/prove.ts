import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newSecret } from "#core/secrets.ts";
import { Deployed } from "#tools/deploy/verify/deployed.ts";
import type { Rehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { signIn } from "#tools/deploy/verify/sign_in.ts";
import type { Steps } from "#tools/deploy/verify/steps.ts";
import { run } from "#tools/machine/child_process.ts";
import { listFunctions } from "#tools/stage/functions.ts";

/** A method that nothing else needs, so that its removal can be tried. */
const REMOVED = { name: "enrol_alpha_user-2020-12-14", file: "src/methods/2020-12-14/enrol_alpha_user.ts" };
const WEBHOOK = "https://nest.nonprod-getbeak.app/1/webhook/stripe";

/**
 * Proves the deployment, step by step.
 * @throws Error at the first step that fails
 */
export async function prove(rehearsal: Rehearsal, tools: string, steps: Steps): Promise<void> {
  const { copy, settings, settingsFile, api, mongoUri, stripe, environment, moto } = rehearsal;
  const functions = await listFunctions();
  const deployed = new Deployed("nonprod", settings.region);
  const command = (script: string, ...args: string[]) =>
    run(process.execPath, [script, ...args], { cwd: copy.folder, env: { ...process.env, ...environment } });
  const nest = (...args: string[]) => command("tools/operator/nest.ts", ...args);
  const config = (...args: string[]) =>
    nest("config", ...args, "--stage", "nonprod", "--settings", settingsFile);
  const onStage = ["--stage", "nonprod", "--settings", settingsFile, "--url", api.url];
  const deploy = () => command("tools/deploy/commands/deploy.ts", ...onStage);
  const rollback = () => command("tools/deploy/commands/rollback.ts", ...onStage);
  const secretsFile = `${settingsFile}.env`;
  const putSecrets = async (secrets: Record<string, string>) => {
    await writeFile(
      secretsFile,
      Object.entries(secrets)
        .map(([name, value]) => `${name}='${value}'`)
        .join("\n"),
      {
        mode: 0o600,
      },
    );
    return config("put", "--file", secretsFile).finally(() => rm(secretsFile, { force: true }));
  };

  await steps.prove("a stage that lacks something is refused", async () => {
    const refused = await mustFail(deploy(), /MONGODB_URI: missing in SSM/);
    const named = [...refused.matchAll(/(\w+): missing in SSM/g)].map(([, name]) => name);
    return `${named.length} names`;
  });

  await steps.prove("a published sample secret is refused, and nothing is written", async () => {
    const sample = { STRIPE_SECRET_KEY: "sk_test_4eC39HqLyjWDarjtT1zdp7dc", MONGODB_URI: mongoUri };
    const refused = await mustFail(putSecrets(sample), /is a published sample/);
    if (refused.includes(sample.STRIPE_SECRET_KEY)) throw new Error("it was printed");
    return deployed.checkParameters({});
  });

  await steps.prove("secrets are written by our commands, and never shown", async () => {
    const [, webhookSecret = ""] = /(whsec_\w+)/.exec(await withStripe(["setup", "--url", WEBHOOK])) ?? [];
    const given = {
      MONGODB_URI: mongoUri,
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRETS: webhookSecret,
    };
    const printed = `${await config("make")}${await putSecrets(given)}${await config("check")}`;
    for (const value of Object.values(given))
      if (printed.includes(value)) throw new Error("a value was printed");
    return deployed.checkParameters(PARAMETERS);
  });

  await steps.prove("npm run deploy", async () => {
    const printed = await deploy();
    if (!/deployed nest-nonprod/.test(printed)) throw new Error(printed);
    for (const [line] of printed.matchAll(/^ .*(?:Function .*Zip| KB.* KB)$/gm)) console.log(line);
    return `${(printed.match(/^ok/gm) ?? []).length} steps`;
  });

  await steps.prove("cfn-lint", async () => {
    const template = join(copy.folder, "dist/nonprod/cloudformation-template-update-stack.json");
    // The framework states dependencies twice; that is the one rule it breaks.
    await run(join(tools, "cfn-lint"), [
      "--regions",
      settings.region,
      "--ignore-checks",
      "W3005",
      "--",
      template,
    ]);
    return "no error, no warning but W3005";
  });

  await steps.prove("functions", () => deployed.checkFunctions(functions));
  await steps.prove("roles", () => deployed.checkRoles(functions));
  await steps.prove("log groups", () => deployed.checkLogGroups(functions, settings.logRetentionDays));
  await steps.prove("a sign-in through what was deployed", () => signIn(rehearsal));

  await steps.prove("a second deploy changes nothing", async () => {
    if (!/No changes to deploy/.test(await deploy())) throw new Error("it did");
    return "no changes";
  });

  await steps.prove("a new secret reaches functions by a deploy", async () => {
    await putSecrets({ RATE_LIMIT_KEY: newSecret() });
    await deploy();
    const variables = await deployed.environment("send_magic_link-2020-12-14");
    const version = variables.RATE_LIMIT_KEY_PARAMETER ?? "";
    if (!version.endsWith(":2")) throw new Error(version);
    return version;
  });

  await steps.prove("a method that is removed loses its function", async () => {
    await rm(join(copy.folder, REMOVED.file));
    await command("tools/deploy/write_functions.ts");
    await copy.commit("without a method");
    await deploy();
    const names = await deployed.functionNames();
    if (names.includes(REMOVED.name) || names.length !== functions.length - 1)
      throw new Error(names.join(", "));
    return `${names.length} functions`;
  });

  await steps.prove("npm run rollback", async () => {
    const printed = await rollback();
    const names = await deployed.functionNames();
    if (!names.includes(REMOVED.name)) throw new Error(`${REMOVED.name} is not back:\n${printed}`);
    return `${names.length} functions`;
  });

  await steps.prove("a sign-in after the rollback", () => signIn(rehearsal));

  await steps.prove("what was rolled back is deployed again when that is asked for", async () => {
    const printed = await deploy();
    const names = await deployed.functionNames();
    if (names.includes(REMOVED.name)) throw new Error(`${REMOVED.name} is still there:\n${printed}`);
    return `${names.length} functions`;
  });

  await steps.prove("a second rollback passes over what was left, to the last good one", async () => {
    await rollback();
    const names = await deployed.functionNames();
    if (!names.includes(REMOVED.name)) throw new Error(names.join(", "));
    return `${names.length} functions`;
  });
  if (moto.passedOver().length === 0) throw new Error("moto says nothing of what it passed over");

  function withStripe(args: string[]): Promise<string> {
    return run(process.execPath, ["tools/operator/nest.ts", "stripe", ...args], {
      cwd: copy.folder,
      env: { ...process.env, ...environment, STRIPE_SECRET_KEY: stripe.secretKey },
    });
  }
}

/** What functions read, by type. */
const PARAMETERS = {
  INTERNAL_KEYS: "SecureString",
  MONGODB_URI: "SecureString",
  RATE_LIMIT_KEY: "SecureString",
  REFRESH_KEYS: "SecureString",
  SIGNING_KEYS: "SecureString",
  SIGNING_KEYS_PUBLIC: "String",
  STRIPE_SECRET_KEY: "SecureString",
  STRIPE_WEBHOOK_SECRETS: "SecureString",
} as const;

/** @returns what a command said when it failed @throws Error if it did not, or said something else */
async function mustFail(running: Promise<string>, words: RegExp): Promise<string> {
  const said = await running.then(
    () => null,
    (error: Error) => error.message,
  );
  if (said === null) throw new Error("it was not refused");
  if (!words.test(said)) throw new Error(said);
  return said;
}
