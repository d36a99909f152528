/**
 * `npm run verify:deploy`: deploys without an AWS account. It deploys a copy of this repository to moto, a double of AWS
 * on loopback, with the commands that a person uses, compares the result with the declarations, signs in, changes it
 * and rolls it back. Needs Python for moto and cfn-lint. Removes everything but its cache.
 */
import { pythonTools } from "#tools/deploy/verify/python.ts";
import { startRehearsal } from "#tools/deploy/verify/rehearsal.ts";
import { Steps } from "#tools/deploy/verify/steps.ts";
import { verifyDeployment } from "#tools/deploy/verify/verify_deployment.ts";
import { catchInterruption, INTERRUPTED } from "#tools/machine/interruption.ts";

const say = (line: string) => console.log(`      ${line}`);
const startedAt = Date.now();
const steps = new Steps();
const { signal, happened } = catchInterruption();
try {
  const tools = await pythonTools(say, signal);
  const rehearsal = await startRehearsal({ tools, say, signal });
  try {
    const interrupted = happened.then(() => Promise.reject(signal.reason));
    await Promise.race([verifyDeployment(rehearsal, tools, steps), interrupted]);
  } finally {
    await rehearsal.close();
  }
  console.log(`\n${steps.table()}`);
  console.log(
    [
      `\nmoto ignores these resource types: ${rehearsal.moto.ignoredTypes().join(", ")}.`,
      "tests/tools/deploy compares their resources in the template with the declarations: routes, integrations, alarms,",
      "and the architecture of functions. A double of API Gateway served the deployed routes, code and environments.",
    ].join("\n"),
  );
  console.log(`\nVerified in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
} catch (error) {
  console.error(`\nfail  ${(error as Error).message}`);
  process.exitCode = signal.aborted ? INTERRUPTED : 1;
}
// Libraries may keep connections open. Everything that this process started is stopped.
process.exit();
