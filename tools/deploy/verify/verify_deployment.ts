import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newSecret } from "#core/secrets.ts";
import { describeSize, measureStack, sizeProblems } from "#tools/deploy/stack_size.ts";
import type { Template } from "#tools/deploy/template.ts";
import { Deployed } from "#tools/deploy/verify/deployed.ts";
import type { Rehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { checkSchedules } from "#tools/deploy/verify/schedules.ts";
import { signIn, signInWithFactor, signInWithProvider } from "#tools/deploy/verify/sign_in.ts";
import type { Steps } from "#tools/deploy/verify/steps.ts";
import { extendApp, PROVIDER } from "#tools/deploy/verify/verified_app.ts";
import { type OidcProvider, startOidcProvider } from "#tools/local/oidc_provider.ts";
import { run } from "#tools/machine/child_process.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { functionsOn } from "#tools/stage/listed_adapters.ts";

/** A method that no other step uses, so that a step can remove it. */
const REMOVED = { name: "enrol_alpha_user-2020-12-14", file: "src/methods/2020-12-14/enrol_alpha_user.ts" };
const TEMPLATE = "cloudformation-template-update-stack.json";

/** The parameters that functions read, by type. */
const PARAMETERS = {
  CAPTCHA_SECRETS: "SecureString",
  FACTOR_KEYS: "SecureString",
  INTERNAL_KEYS: "SecureString",
  MONGODB_URI: "SecureString",
  OAUTH_CREDENTIALS: "SecureString",
  PASSWORD_PEPPERS: "SecureString",
  RATE_LIMIT_KEY: "SecureString",
  REFRESH_KEYS: "SecureString",
  SIGNING_KEYS: "SecureString",
  SIGNING_KEYS_PUBLIC: "String",
  STRIPE_SECRET_KEY: "SecureString",
  STRIPE_WEBHOOK_SECRETS: "SecureString",
  WEBHOOK_KEYS: "SecureString",
} as const;

/**
 * Deploys, changes and rolls back the working copy, with the commands that a person uses.
 * @param tools the folder of the Python environment's programs
 * @throws Error at the first step that fails
 */
export async function verifyDeployment(rehearsal: Rehearsal, tools: string, steps: Steps): Promise<void> {
  const deployed = new Deployed("nonprod", rehearsal.settings.region);
  await using provider = await startOidcProvider();
  await extendApp(rehearsal.copy, provider);
  const context = { commands: new Commands(rehearsal), deployed, provider, steps };
  await refuseIncompleteStage(context);
  await configure(rehearsal, context);
  await deployFirst(rehearsal, context, tools);
  await deployAgain(rehearsal, context);
  await rollBack(rehearsal, context);
  if (rehearsal.moto.ignoredTypes().length === 0)
    throw new Error("moto did not report the resource types that it ignores.");
}

interface Context {
  commands: Commands;
  deployed: Deployed;
  /** The OAuth provider of the deployed app. */
  provider: OidcProvider;
  steps: Steps;
}

/** The commands of a person who deploys, run in the working copy. */
class Commands {
  readonly #rehearsal: Rehearsal;

  constructor(rehearsal: Rehearsal) {
    this.#rehearsal = rehearsal;
  }

  /** `npx serverless <args> --stage nonprod`. */
  serverless(...args: string[]): Promise<string> {
    return this.#run("node_modules/serverless/bin/serverless.js", [...args, ...this.#onStage()]);
  }

  deploy(...args: string[]): Promise<string> {
    return this.serverless("deploy", "--url", this.#rehearsal.api.url, ...args);
  }

  rollback(...args: string[]): Promise<string> {
    const options = [...this.#onStage(), "--url", this.#rehearsal.api.url, ...args];
    return this.#run("tools/operator/nest.ts", ["deploy", "rollback", ...options]);
  }

  config(...args: string[]): Promise<string> {
    return this.#run("tools/operator/nest.ts", ["config", ...args, ...this.#onStage()]);
  }

  /** `config put` with a file of secrets. */
  async putSecrets(secrets: Record<string, string>): Promise<string> {
    const file = `${this.#rehearsal.settingsFile}.env`;
    const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
    await writeFile(file, lines.join("\n"), { mode: 0o600 });
    return this.config("put", "--file", file).finally(() => rm(file, { force: true }));
  }

  setUpStripe(): Promise<string> {
    const { stripe, settings } = this.#rehearsal;
    const { secretKey } = stripe;
    const args = ["stripe", "setup", "--url", `${settings.variables.ISSUER}/1/webhook/stripe`];
    return this.#run("tools/operator/nest.ts", args, { STRIPE_SECRET_KEY: secretKey });
  }

  generate(): Promise<string> {
    return this.#run("tools/deploy/write_functions.ts", []);
  }

  #onStage(): string[] {
    return ["--stage", "nonprod", "--settings", this.#rehearsal.settingsFile];
  }

  #run(script: string, args: string[], more: Record<string, string> = {}): Promise<string> {
    const { copy, environment } = this.#rehearsal;
    const env = { ...process.env, SLS_NOTIFICATIONS_MODE: "off", ...environment, ...more };
    return run(process.execPath, [script, ...args], { cwd: copy.folder, env, errorLength: 4_000 });
  }
}

async function refuseIncompleteStage({ commands, steps }: Context): Promise<void> {
  await steps.run("a stage that lacks secrets is refused, with one list", async () => {
    const message = await failureOf(commands.deploy(), /MONGODB_URI: missing in SSM/);
    if (/Cannot resolve/.test(message)) throw new Error(message);
    return `${message.match(/: missing in SSM/g)?.length} names`;
  });
}

async function configure({ mongoUri, stripe }: Rehearsal, context: Context): Promise<void> {
  const { commands, deployed, provider, steps } = context;
  await steps.run("a published sample secret is refused, and nothing is written", async () => {
    const sample = { STRIPE_SECRET_KEY: "sk_test_4eC39HqLyjWDarjtT1zdp7dc", MONGODB_URI: mongoUri };
    const message = await failureOf(commands.putSecrets(sample), /is a published sample/);
    if (message.includes(sample.STRIPE_SECRET_KEY)) throw new Error("The value was printed.");
    return deployed.checkParameters({});
  });

  await steps.run("secrets are written by our commands, and never shown", async () => {
    const [, webhookSecret = ""] = /(whsec_\w+)/.exec(await commands.setUpStripe()) ?? [];
    const secrets = {
      MONGODB_URI: mongoUri,
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRETS: webhookSecret,
      OAUTH_CREDENTIALS: JSON.stringify({ [PROVIDER.id]: provider.credentials }),
    };
    const printed = [await commands.config("make"), await commands.putSecrets(secrets)].join("");
    const checked = await commands.config("check");
    for (const value of Object.values(secrets))
      if (`${printed}${checked}`.includes(value)) throw new Error("A value was printed.");
    return deployed.checkParameters(PARAMETERS);
  });
}

async function deployFirst(rehearsal: Rehearsal, context: Context, tools: string): Promise<void> {
  const { copy, settings } = rehearsal;
  const { commands, deployed, steps } = context;
  const functions = functionsOn(await listFunctions(), settings);
  const template = join(copy.folder, ".serverless", TEMPLATE);

  await steps.run("uncommitted files are refused", async () => {
    const file = join(copy.folder, "uncommitted.txt");
    await writeFile(file, "");
    await failureOf(commands.deploy(), /\?\? uncommitted\.txt/).finally(() => rm(file));
    return "named";
  });

  await steps.run("serverless deploy", async () => {
    const printed = await commands.deploy();
    if (!/live at /.test(printed)) throw new Error(printed);
    for (const [line] of printed.matchAll(/^ .*(?:Function .*Zip| KB.* KB)$/gm)) console.log(line);
    return `${printed.match(/^ok/gm)?.length} steps`;
  });

  await steps.run("cfn-lint", async () => {
    // The framework writes DependsOn where a reference says the same, which is W3005.
    const options = ["--regions", settings.region, "--ignore-checks", "W3005", "--", template];
    await run(join(tools, "cfn-lint"), options);
    return "no error, no warning but W3005";
  });

  await steps.run("size of the stack", async () => {
    const size = measureStack(JSON.parse(await readFile(template, "utf8")) as Template);
    const [problem] = sizeProblems(size);
    if (problem) throw new Error(problem);
    return describeSize(size);
  });

  await steps.run("functions", () => deployed.checkFunctions(functions));
  await steps.run("roles", () => deployed.checkRoles(functions));
  await steps.run("log groups", () => deployed.checkLogGroups(settings.logRetentionDays));
  await steps.run("a sign-in through the deployed API", () => signIn(rehearsal));
  await steps.run("a sign-in with an account at an OAuth provider", () =>
    signInWithProvider(rehearsal, context.provider),
  );
  await steps.run("a sign-in that needs a second factor", () => signInWithFactor(rehearsal));
  await steps.run("the schedule of each job, and a run for its event", () =>
    checkSchedules(rehearsal, functions),
  );
}

async function deployAgain({ copy }: Rehearsal, context: Context): Promise<void> {
  const { commands, deployed, steps } = context;
  await steps.run("a second deploy changes nothing", async () => {
    const printed = await commands.deploy();
    if (!/No changes to deploy/.test(printed)) throw new Error(printed);
    return "no changes";
  });

  await steps.run("a new secret reaches functions with a deploy", async () => {
    await commands.putSecrets({ RATE_LIMIT_KEY: newSecret() });
    await commands.deploy();
    return requireVersion(deployed, 2);
  });

  await steps.run("a package is deployed later, with the versions of that time", async () => {
    await commands.serverless("package", "--package", "dist/package");
    await commands.putSecrets({ RATE_LIMIT_KEY: newSecret() });
    await commands.deploy("--package", "dist/package");
    return requireVersion(deployed, 3);
  });

  await steps.run("a removed method loses its function", async () => {
    await rm(join(copy.folder, REMOVED.file));
    await commands.generate();
    await copy.commit("without a method");
    await commands.deploy();
    return requireRemovedMethod(deployed, false);
  });
}

async function rollBack(rehearsal: Rehearsal, { commands, deployed, steps }: Context): Promise<void> {
  await steps.run("a rollback restores the function", async () => {
    await commands.rollback();
    return requireRemovedMethod(deployed, true);
  });

  await steps.run("a sign-in after the rollback", () => signIn(rehearsal));

  await steps.run("a deploy after a rollback deploys the same code again", async () => {
    await commands.deploy();
    return requireRemovedMethod(deployed, false);
  });

  await steps.run("a second rollback skips the deployment that was rolled back", async () => {
    await commands.rollback();
    return requireRemovedMethod(deployed, true);
  });

  await steps.run(
    "a rollback that would restore an older secret is refused, and changes nothing",
    async () => {
      await commands.putSecrets({ RATE_LIMIT_KEY: newSecret() });
      await commands.deploy();
      await failureOf(commands.rollback(), /RATE_LIMIT_KEY: version 4 -> 3[\s\S]*--with-older-secrets/);
      return requireVersion(deployed, 4);
    },
  );

  await steps.run("--with-older-secrets allows this rollback", async () => {
    await commands.rollback("--with-older-secrets");
    return requireVersion(deployed, 3);
  });
}

/** @throws Error unless functions read this version of RATE_LIMIT_KEY */
async function requireVersion(deployed: Deployed, version: number): Promise<string> {
  const variables = await deployed.environment("send_magic_link-2020-12-14");
  const found = variables.RATE_LIMIT_KEY_PARAMETER ?? "";
  if (!found.endsWith(`:${version}`)) throw new Error(found);
  return found;
}

/** @throws Error unless the removed method's function is there, or is not there */
async function requireRemovedMethod(deployed: Deployed, isThere: boolean): Promise<string> {
  const names = await deployed.functionNames();
  const functions = functionsOn(await listFunctions(), {});
  const expected = functions.length - (isThere ? 0 : 1);
  if (names.includes(REMOVED.name) !== isThere || names.length !== expected)
    throw new Error(names.join(", "));
  return `${names.length} functions`;
}

/** @returns what a command printed when it failed @throws Error if it did not fail, or printed something else */
async function failureOf(running: Promise<string>, expected: RegExp): Promise<string> {
  const message = await running.then(
    () => null,
    (error: Error) => error.message,
  );
  if (message === null) throw new Error("The command did not fail.");
  if (!expected.test(message)) throw new Error(message);
  return message;
}
