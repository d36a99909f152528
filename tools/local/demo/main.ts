/**
 * `npm run demo`: the desktop app's flows in the terminal, sign-in and a trial, each request with its answer in short. Starts a stack of its
 * own that leaves nothing behind, or uses a running one: `npm run demo -- --url http://localhost:3000`. Ends with status
 * 0 only if every step held.
 */
import { parseArgs } from "node:util";
import { demonstrateSignIn } from "#tools/local/demo/sign_in.ts";
import { StepFailed, Trace } from "#tools/local/demo/trace.ts";
import { demonstrateTrial } from "#tools/local/demo/trial.ts";
import { startLocalStack } from "#tools/local/stack.ts";

const say = (line: string) => console.log(line);

async function useStack(url: string | undefined): Promise<{ url: string; close(): Promise<void> }> {
  if (url !== undefined) return { url, close: async () => undefined };
  say("Starting a stack of its own; name a running one with --url.");
  return startLocalStack({ port: 0, isThrowAway: true, say, write: () => undefined });
}

try {
  const { values } = parseArgs({ options: { url: { type: "string" } } });
  const stack = await useStack(values.url);
  try {
    say(`Nest at ${stack.url}`);
    const trace = new Trace(stack.url, say);
    say("\nSigning in");
    await demonstrateSignIn(trace);
    say("\nA trial");
    await demonstrateTrial(trace);
    say("\nEvery step held.");
  } finally {
    await stack.close();
  }
} catch (error) {
  const { message, cause } = error as Error;
  console.error(`\nThe demo failed: ${cause instanceof StepFailed ? cause.message : message}`);
  process.exitCode = 1;
}
