/**
 * Scans every commit for secrets and queries the registry for advisories: `npm run security`. `-- --help` lists its
 * options. Exits with status 1 if it finds something, and with status 2 if an option is wrong.
 */
import { Command, Option } from "commander";
import { auditDependencies } from "#tools/security/audit.ts";
import { scanForSecrets } from "#tools/security/secrets.ts";

const CHECKS = { secrets: scanForSecrets, advisories: auditDependencies } as const;
type Check = keyof typeof CHECKS;

const { only } = new Command("npm run security --")
  .description(
    "Scans every commit for secrets and queries the registry for advisories on the installed packages.",
  )
  .addOption(new Option("--only <check>", "run one check only").choices(Object.keys(CHECKS)))
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ only?: Check }>();
for (const check of only ? [only] : (Object.keys(CHECKS) as Check[])) {
  if (!(await CHECKS[check]())) process.exitCode = 1;
}
