import { publicSet } from "#core/keys/signing_keys.ts";
import {
  type DeploymentRecord,
  readRecord,
  recordGood,
  recordRollback,
  rollbackTarget,
} from "#tools/deploy/deployment_record.ts";
import { LiveStack } from "#tools/deploy/live_stack.ts";
import {
  describeChange,
  type OlderSecret,
  olderSecrets,
  requireNewSecrets,
} from "#tools/deploy/older_secrets.ts";
import { versionsIn } from "#tools/deploy/parameter_versions.ts";
import { CHECKED_ROLLBACK } from "#tools/deploy/plugin.ts";
import { serverless } from "#tools/deploy/serverless.ts";
import { smokeTest } from "#tools/deploy/smoke.ts";
import { stageAddress } from "#tools/deploy/stage_address.ts";
import { deploymentOf, type Template } from "#tools/deploy/template.ts";
import { PUBLIC_KEYS } from "#tools/stage/config/check_stage.ts";
import type { OnStage } from "#tools/stage/on_stage.ts";
import { CommandError } from "#tools/terminal/errors.ts";

export interface RollbackOptions {
  /** The deployment to restore, in epoch ms; null: the last good deployment before the live one. */
  to: number | null;
  /** The URL at which the smoke test calls the API. Null: the stage's own address. */
  url: string | null;
  /** Restores older versions of secrets as well. */
  isWithOlderSecrets: boolean;
}

/**
 * Restores an earlier deployment of a stage: its code, its template and the versions of its parameters. Then runs the
 * smoke test.
 * @param say takes a line for the terminal
 * @throws CommandError if there is no such deployment, it has older secrets and the options do not allow them, or the
 *   smoke test fails; FrameworkError
 */
export async function rollback(
  stage: OnStage,
  options: RollbackOptions,
  say: (line: string) => void,
): Promise<void> {
  const { settings, settingsFile, store } = stage;
  const live = new LiveStack(store.stage, settings);
  const { url } = await stageAddress(stage, live, options.url);
  const before = await live.template();
  const current = deploymentOf(before);
  const target = await chooseTarget(live, current, options.to);
  const older = await readOlderSecrets(stage, before, await live.templateOf(target));
  requireNewSecrets(older, options.isWithOlderSecrets);
  say(`      from ${withTime(current ?? 0)} to ${withTime(target)}`);
  const command = ["rollback", `--timestamp=${target}`];
  await serverless(command, {
    stage: store.stage,
    settings: settingsFile,
    isShown: true,
    environment: { [CHECKED_ROLLBACK]: "yes" },
  });
  say(`ok    rolled back nest-${store.stage}`);
  const after = await live.template();
  if (current !== null) await recordRollback(live, current, target);
  for (const secret of older) say(`      ${describeChange(secret)}`);
  await smokeTest(url, await publishedKeyIds(stage, after), (line) => say(`ok    ${line}`));
  await recordGood(live, target);
}

/** @throws CommandError naming the deployments that are kept */
async function chooseTarget(live: LiveStack, current: number | null, to: number | null): Promise<number> {
  const [kept, record] = await Promise.all([live.deployments(), readRecord(live)]);
  const target = to ?? rollbackTarget(record, kept, current ?? 0);
  if (target !== undefined && target === current)
    throw new CommandError(`Deployment ${target} is live already. Pass another one with --to.`);
  if (target !== undefined && kept.includes(target)) return target;
  const what =
    to === null
      ? "No earlier deployment can be restored: each failed the smoke test or was rolled back."
      : `There is no deployment ${to}, or its files are gone.`;
  const lines = kept.map((one) => `  ${withTime(one)}  ${stateOf(record, one, current)}`);
  throw new CommandError(`${what} Pass one of these with --to:\n${lines.join("\n") || "  none"}`);
}

const withTime = (timestamp: number) => `${timestamp}  ${new Date(timestamp).toISOString()}`;

function stateOf({ proved, left }: DeploymentRecord, deployment: number, current: number | null): string {
  if (deployment === current) return "live";
  if (left.includes(deployment)) return "was rolled back";
  return proved.includes(deployment) ? "good" : "never passed the smoke test";
}

/** @throws StoreError if SSM can't be read */
async function readOlderSecrets(
  { store }: OnStage,
  before: Template,
  target: Template,
): Promise<OlderSecret[]> {
  const [live, restored] = [versionsIn(before), versionsIn(target)];
  const stored = await store.read([...restored.keys()].filter((name) => !live.has(name)));
  const newest = new Map([...stored].map(([name, { version }]) => [name, version]));
  return olderSecrets(live, restored, newest);
}

/** Returns the ids of the keys that the restored functions publish. */
async function publishedKeyIds({ store }: OnStage, template: Template): Promise<string[]> {
  const version = versionsIn(template).get(PUBLIC_KEYS);
  const name = version === undefined ? PUBLIC_KEYS : `${PUBLIC_KEYS}:${version}`;
  const value = [...(await store.read([name])).values()][0]?.value;
  if (value === undefined) return [];
  return publicSet(JSON.parse(value), new Date()).keys.flatMap(({ kid }) => kid ?? []);
}
