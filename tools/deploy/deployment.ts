import app from "#app";
import { appName } from "#app/load_app.ts";
import { readBilling } from "#core/billing/config.ts";
import type { Environment } from "#core/config.ts";
import { prepareDatabase } from "#tools/deploy/database.ts";
import { recordGood } from "#tools/deploy/deployment_record.ts";
import { dropUnlisted, type Service } from "#tools/deploy/drop_unlisted.ts";
import { LiveStack } from "#tools/deploy/live_stack.ts";
import { pinVersions } from "#tools/deploy/parameter_versions.ts";
import {
  requireCommitted,
  requireReady,
  requireSameApp,
  requireSettings,
  requireStripe,
  webhookUrl,
} from "#tools/deploy/preflight.ts";
import { smokeTest } from "#tools/deploy/smoke.ts";
import { describeSize, measureStack, sizeProblems } from "#tools/deploy/stack_size.ts";
import { stageAddress } from "#tools/deploy/stage_address.ts";
import {
  callWithOneRole,
  deploymentOf,
  recordApp,
  referToLogGroup,
  type Template,
} from "#tools/deploy/template.ts";
import { writeZips } from "#tools/deploy/zip_functions.ts";
import { PUBLIC_KEYS, type StageCheck } from "#tools/stage/config/check_stage.ts";
import { type OnStage, openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { stopwatch } from "#tools/terminal/progress.ts";

export interface DeployOptions extends StageOptions {
  /** The URL at which the smoke test calls the API. Undefined: the stage's own address. */
  url: string | undefined;
  /** Deploys files that are not committed. */
  isDirtyAllowed: boolean;
  /** Deploys although the stage runs another app. */
  isOtherAppAllowed: boolean;
}

/** The steps of one deployment beyond what the framework does, in the order in which the plugin runs them. */
export class Deployment {
  readonly #stage: OnStage;
  readonly #options: DeployOptions;
  readonly #log: (line: string) => void;
  readonly #live: LiveStack;
  #parameters: StageCheck["parameters"] = new Map();
  #elapsed = stopwatch();

  private constructor(stage: OnStage, options: DeployOptions, log: (line: string) => void) {
    this.#stage = stage;
    this.#options = options;
    this.#log = log;
    this.#live = new LiveStack(stage.store.stage, stage.settings);
  }

  /**
   * @param log takes a line for the terminal
   * @throws UsageError if the stage is missing or unknown; SettingsError if its file can't be used
   */
  static async open(options: DeployOptions, log: (line: string) => void): Promise<Deployment> {
    return new Deployment(await openStage(options), options, log);
  }

  /** @throws CommandError naming every setting that is missing or wrong */
  checkSettings(): void {
    requireSettings(this.#stage);
  }

  /** @throws CommandError naming every setting and secret that is missing or wrong */
  async checkSettingsAndSecrets(): Promise<void> {
    this.#parameters = await requireReady(this.#stage);
    const { settings, parameters } = this.#stage.inventory;
    this.#done(`configuration: ${settings.length} settings and ${parameters.length} parameters checked`);
  }

  /** @throws CommandError if files are not committed, the stage runs another app, or Stripe is not set up for this code */
  async checkSources(): Promise<void> {
    this.#done(requireCommitted(this.#options.isDirtyAllowed));
    const outputs = await this.#live.outputs();
    requireSameApp(outputs, appName, this.#options.isOtherAppAllowed);
    const url = webhookUrl(this.#stage.settings, outputs);
    await requireStripe(this.#stage, this.#parameters, url);
    this.#done(`Stripe: ${url === null ? "price" : "webhook endpoint, events and price"} checked`);
  }

  /** Removes what the stage does not have: the functions and roles of adapters that its file does not list. */
  dropUnlisted(service: Service): void {
    const names = this.#stage.functions.map(({ name }) => name);
    dropUnlisted(service, names);
  }

  /** Writes the zip of each function into a folder. */
  async bundle(folder: string): Promise<void> {
    const target = this.#stage.store.isRehearsal ? "here" : "lambda";
    const sizes = await writeZips(folder, this.#stage.functions, target);
    for (const line of sizes) this.#note(line);
    this.#done(`bundled ${this.#stage.functions.length} functions`);
  }

  /** Completes the template that the framework compiled from functions, before it is written to the package. */
  finishTemplate(template: Template): void {
    referToLogGroup(template);
    callWithOneRole(template);
    recordApp(template, appName);
  }

  /**
   * Prepares the change of the stack.
   * @param template the packaged template; versions of parameters are written into it
   * @throws CommandError if indexes can't be created, or living subscriptions have a product of no plan
   */
  async prepare(template: Template): Promise<void> {
    const versions = [...this.#parameters].map(([name, { version }]) => [name, version] as const);
    pinVersions(template, new Map(versions));
    const size = measureStack(template);
    for (const problem of sizeProblems(size)) this.#note(problem);
    this.#done(`stack: ${describeSize(size)}`);
    const { productIds } = readBilling(this.#billingVariables(), app);
    const uri = this.#parameters.get("MONGODB_URI")?.value ?? "";
    const database = await prepareDatabase(uri, productIds);
    this.#done(`database ${database}: all indexes exist`);
  }

  /** The variables of the stage file that a plan's price and product depend on. */
  #billingVariables(): Environment {
    const { STRIPE_PRICE_ID, STRIPE_PRODUCT_IDS } = this.#stage.settings.variables;
    return {
      STAGE: this.#stage.store.stage,
      STRIPE_PRICE_ID: STRIPE_PRICE_ID ?? undefined,
      STRIPE_PRODUCT_IDS: STRIPE_PRODUCT_IDS ?? undefined,
    };
  }

  /** Whether to deploy even if the package equals the last uploaded one. */
  isForced(): Promise<boolean> {
    return this.#live.isBehindUploads();
  }

  /**
   * Calls the deployed API, and records the deployment as good.
   * @param isChanged whether the deployment changed anything
   * @throws CommandError if a response is wrong
   */
  async verify(isChanged: boolean): Promise<void> {
    this.#done(
      isChanged ? `deployed nest-${this.#stage.store.stage}` : "nothing changed since the last deployment",
    );
    const { url, recordTarget } = await stageAddress(this.#stage, this.#live, this.#options.url);
    if (recordTarget)
      this.#note(`The DNS record of ${this.#stage.settings.domain.name} must point to ${recordTarget}`);
    await smokeTest(url, publishedKeyIds(this.#parameters), (line) => this.#done(line));
    const deployment = deploymentOf(await this.#live.template());
    if (deployment !== null) await recordGood(this.#live, deployment);
    this.#done(`live at ${url}`);
  }

  /** Logs what was done, with the time since the previous line of this kind. */
  #done(what: string): void {
    const time = this.#elapsed();
    this.#log(`ok    ${what}${time === null ? "" : ` (${time})`}`);
    this.#elapsed = stopwatch();
  }

  #note(what: string): void {
    this.#log(`      ${what}`);
  }
}

/** Returns the ids of the keys that the JWKS must have. The JWKS leaves out a retired key when its tokens have expired. */
function publishedKeyIds(parameters: StageCheck["parameters"]): string[] {
  const { keys } = JSON.parse(parameters.get(PUBLIC_KEYS)?.value ?? '{"keys":[]}') as {
    keys: { kid: string; state: string }[];
  };
  return keys.filter(({ state }) => state !== "retired").map(({ kid }) => kid);
}
