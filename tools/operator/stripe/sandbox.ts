import type { Command } from "commander";
import { act, examples } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** `stripe sandbox`: runs the Stripe contract tests against a real Stripe sandbox. */
export function sandbox(program: Command): void {
  const command = program
    .command("sandbox")
    .description(
      "runs the Stripe contract tests against the Stripe sandbox whose test key is in STRIPE_CONTRACT_KEY",
    );
  examples(command, ["stripe sandbox"]);
  act(command, async (terminal) => {
    const { runSandboxTests } = await import("#tools/local/stripe_account/sandbox.ts");
    const passed = await runSandboxTests(terminal.environment).catch((error: Error) => {
      throw new CommandError(error.message);
    });
    if (passed === null)
      terminal.say("Skipped: STRIPE_CONTRACT_KEY is not set to the key of a Stripe sandbox (sk_test_...).");
    terminal.result({ passed });
    return passed !== false;
  });
}
