import type { Command } from "commander";
import { explainError } from "#tools/deploy/explain_error.ts";
import { openStage, type StageOptions } from "#tools/stage/on_stage.ts";
import { act, actOnConfiguration, examples } from "#tools/terminal/command.ts";
import { CommandError, UsageError } from "#tools/terminal/errors.ts";

/** The options of `deploy rollback`. */
interface RollbackFlags {
  to?: string;
  url?: string;
  withOlderSecrets?: boolean;
}

/**
 * `deploy rollback | trace | rehearse`: commands in addition to `npm run deploy`. Their modules are loaded when they
 * are used.
 */
export function deployCommands(program: Command): void {
  const deploy = program
    .command("deploy")
    .description(
      "rollback, log traces and rehearsal of deployments; `npm run deploy` deploys (docs/deploy.md)",
    );

  const rollback = deploy
    .command("rollback")
    .option("--to <timestamp>", "the deployment to restore; default: the last good one before the live one")
    .option("--url <address>", "the API's address for the smoke test, if it is not the stage's domain")
    .option(
      "--with-older-secrets",
      "also restore older versions of secrets; without it such a rollback is refused",
    )
    .description("restores an earlier deployment of a stage; requires AWS credentials");
  examples(rollback, [
    "deploy rollback --stage nonprod",
    "deploy rollback --stage nonprod --to 1795555202698",
  ]);
  actOnConfiguration(rollback, async (terminal, options: StageOptions & RollbackFlags) => {
    const to = options.to === undefined ? null : readTimestamp(options.to);
    const stage = await openStage(options);
    const module = await import("#tools/deploy/rollback.ts");
    const isWithOlderSecrets = options.withOlderSecrets === true;
    const chosen = { to, url: options.url ?? null, isWithOlderSecrets };
    await explained(module.rollback(stage, chosen, terminal.say));
    terminal.result({ stage: stage.store.stage });
  });

  const trace = deploy
    .command("trace")
    .argument("<function>", "the name of a function")
    .argument("<line...>", "a log line with index.js:<line>:<column>")
    .description(
      "shows where in the source a log line of a bundled function points; run `npm run package` first",
    );
  examples(trace, ['deploy trace get_user-2021-10-06 "at index.js:1:2345"']);
  act(trace, async (terminal, name: string, line: string[]) => {
    const module = await import("#tools/deploy/trace.ts");
    const places = await module.trace(name, line.join(" "));
    terminal.show({ places }, places);
  });

  const rehearse = deploy
    .command("rehearse")
    .description("runs doubles of AWS, Stripe and SES on loopback until Ctrl-C, to try a deployment by hand");
  examples(rehearse, ["deploy rehearse"]);
  act(rehearse, async (terminal) => {
    const module = await import("#tools/deploy/verify/rehearse.ts");
    await explained(module.rehearse(terminal.say));
  });
}

function readTimestamp(text: string): number {
  if (/^\d{13}$/.test(text)) return Number(text);
  throw new UsageError(
    "--to must be the timestamp of a deployment, 13 digits, as `deploy rollback` lists it.",
  );
}

async function explained<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    throw error instanceof UsageError ? error : new CommandError(explainError(error));
  });
}
