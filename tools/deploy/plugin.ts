import type { Deployment } from "#tools/deploy/deployment.ts";
import type { Service } from "#tools/deploy/drop_unlisted.ts";
import type { Template } from "#tools/deploy/template.ts";

/** The parts of the framework that this plugin uses. */
interface Framework {
  processedInput: { commands: string[]; isHelpRequest: boolean };
  service: Service & { provider: { compiledCloudFormationTemplate: Template; shouldNotDeploy?: boolean } };
  serviceDir: string;
  classes: { Error: new (message: string, code: string) => Error };
}

/** The options of a command, as the framework parsed them. */
interface Options {
  stage?: string;
  settings?: string;
  url?: string;
  dirty?: boolean;
  "other-app"?: boolean;
  force?: boolean;
}

interface Writers {
  log: { notice(line: string): void };
  /** What is going on now. The framework shows it on a terminal, below its own step and the elapsed time. */
  progress: { get(name: string): { notice(text: string): void; remove(): void } };
}

const SETTINGS = { usage: "A stage file to use instead of the app's", type: "string" };
const ONE_FUNCTION =
  "A single function is not deployed: it would skip the checks, and the template would not describe it. " +
  "Run `npx serverless deploy --stage <stage>`, which uploads only what changed.";
const UNCHECKED_ROLLBACK =
  "The framework's rollback would skip the check for older secrets, the smoke test and the record of good deployments. " +
  "Run `npm run nest -- deploy rollback --stage <stage>`.";
/** `nest deploy rollback` sets this variable for the framework after its checks. */
export const CHECKED_ROLLBACK = "NEST_CHECKED_ROLLBACK";
/** Commands that work without a stage. */
const WITHOUT_STAGE = ["plugin", "doctor", "help"];

/**
 * The framework's plugin that makes `serverless deploy` the whole deployment (decision 22). Each hook reports what it did
 * in one line. A failure stops the deployment, with a message for the terminal and status 1.
 *
 * - Before variables are resolved: every missing setting and secret in one list, instead of unresolved variables.
 * - Before packaging: bundles the functions into `.serverless`, which the framework uploads.
 * - Before the template is written: makes the functions refer to their log group, and the HTTP API to its role.
 * - Before the stack changes: pins parameter versions, checks the stack's size, makes the database's indexes.
 * - After the stack changed: the smoke test. A deployment that passed it is recorded as good, for rollbacks.
 *
 * Node loads this file without a build, so its syntax must be erasable. Everything else is imported when it is used, since
 * every command of the framework loads this file.
 */
export default class NestPlugin {
  readonly #framework: Framework;
  readonly #options: Options;
  readonly #log: (line: string) => void;
  readonly #progress: ReturnType<Writers["progress"]["get"]>;
  #opened: Promise<Deployment> | undefined;

  readonly commands = {
    deploy: {
      options: {
        settings: SETTINGS,
        url: { usage: "Where the smoke test calls the API, if not at its own address", type: "string" },
        dirty: { usage: "Deploy files that are not committed", type: "boolean" },
        "other-app": { usage: "Deploy although the stage runs another app", type: "boolean" },
      },
    },
    package: { options: { settings: SETTINGS } },
    print: { options: { settings: SETTINGS } },
    info: { options: { settings: SETTINGS } },
    rollback: { options: { settings: SETTINGS } },
    remove: { options: { settings: SETTINGS } },
  };

  readonly hooks = {
    initialize: () =>
      this.#step("Checking files and Stripe", async (deployment) => {
        deployment.dropUnlisted(this.#framework.service);
        if (this.#is("deploy")) await deployment.checkSources();
      }),
    "before:package:initialize": () =>
      this.#step("Bundling the functions", (deployment) =>
        deployment.bundle(`${this.#framework.serviceDir}/.serverless`),
      ),
    "before:package:finalize": () =>
      this.#step("Completing the template", (deployment) =>
        deployment.finishTemplate(this.#framework.service.provider.compiledCloudFormationTemplate),
      ),
    "before:deploy:deploy": () =>
      this.#step("Checking the stack and creating indexes", (deployment) => this.#prepare(deployment)),
    "after:deploy:deploy": () =>
      this.#step("Calling the deployed API", (deployment) =>
        deployment.verify(!this.#framework.service.provider.shouldNotDeploy),
      ),
  };

  constructor(framework: Framework, options: Options, { log, progress }: Writers) {
    this.#framework = framework;
    this.#options = options;
    this.#log = (line) => log.notice(line);
    this.#progress = progress.get("step");
  }

  /** Runs before the framework resolves variables. */
  async asyncInit(): Promise<void> {
    const { commands, isHelpRequest } = this.#framework.processedInput;
    if (isHelpRequest || WITHOUT_STAGE.includes(commands[0] ?? "help")) return;
    if (this.#is("deploy function")) throw this.#failure(ONE_FUNCTION);
    if (commands[0] === "rollback" && !process.env[CHECKED_ROLLBACK]) throw this.#failure(UNCHECKED_ROLLBACK);
    await this.#step("Checking settings and secrets", async (deployment) => {
      if (this.#is("package")) deployment.checkSettings();
      if (this.#is("deploy")) await deployment.checkSettingsAndSecrets();
    });
  }

  async #prepare(deployment: Deployment): Promise<void> {
    await deployment.prepare(this.#framework.service.provider.compiledCloudFormationTemplate);
    if (await deployment.isForced()) this.#options.force = true;
  }

  #is(command: string): boolean {
    return this.#framework.processedInput.commands.join(" ") === command;
  }

  /** Shows and runs a step of the deployment, and explains its failure. */
  async #step(title: string, work: (deployment: Deployment) => unknown): Promise<void> {
    this.#progress.notice(title);
    try {
      this.#opened ??= this.#open();
      await work(await this.#opened);
    } catch (error) {
      const { explainError } = await import("#tools/deploy/explain_error.ts");
      throw this.#failure(explainError(error));
    } finally {
      this.#progress.remove();
    }
  }

  /** The framework prints an error of its own class without a stack trace. */
  #failure(message: string): Error {
    return new this.#framework.classes.Error(message, "NEST_DEPLOYMENT_FAILED");
  }

  async #open(): Promise<Deployment> {
    const { Deployment } = await import("#tools/deploy/deployment.ts");
    const { stage, settings, url, dirty, "other-app": otherApp } = this.#options;
    const allowed = { isDirtyAllowed: dirty === true, isOtherAppAllowed: otherApp === true };
    return Deployment.open({ stage, settings, url, ...allowed }, this.#log);
  }
}
