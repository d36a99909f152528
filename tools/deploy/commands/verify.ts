/**
 * `npm run verify:deploy`: proves the deployment without an AWS account. Deploys a copy of this repository as it is to
 * moto, an AWS on loopback, with the commands that a person uses, looks at what came of it, calls it, changes it and
 * rolls it back. Needs Python for moto and cfn-lint. Ends by itself and leaves nothing but its cache.
 */
import { prove } from "#tools/deploy/verify/prove.ts";
import { pythonTools } from "#tools/deploy/verify/python.ts";
import { startRehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { Steps } from "#tools/deploy/verify/steps.ts";

const say = (line: string) => console.log(`      ${line}`);
const startedAt = Date.now();
const steps = new Steps();
try {
  const tools = await pythonTools(say);
  const rehearsal = await startRehearsal(tools, say);
  const interrupted = () => void rehearsal.close().finally(() => process.exit(1));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    await prove(rehearsal, tools, steps);
  } finally {
    await rehearsal.close();
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
  }
  console.log(`\n${steps.table()}`);
  console.log(
    [
      `\nmoto has no model for ${rehearsal.moto.passedOver().join(", ")}, and passed over these.`,
      "Routes, integrations, alarms, and architecture, which it drops, are held against the declarations in the template",
      "by tests/deploy. A stand-in of ours served the deployed routes with the deployed code and environments.",
    ].join("\n"),
  );
  console.log(`\nProved in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}
// A library may hold a connection open; everything that was started is stopped.
process.exit();
