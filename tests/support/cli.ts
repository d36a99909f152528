import { runNest } from "#tools/operator/nest.ts";

/** Runs the `nest` CLI in this process with its own environment, in which an empty variable is unset. */
export async function runCli(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<{ status: number; printed: string }> {
  let printed = "";
  const keep = (line: string) => {
    printed += `${line}\n`;
  };
  const status = await runNest(args, { environment, out: keep, err: keep });
  return { status, printed };
}
