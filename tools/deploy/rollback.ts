import { publicSet } from "#core/keys/signing_keys.ts";
import { addressOf } from "#tools/deploy/deploy.ts";
import {
  type DeploymentRecord,
  lastGood,
  noteLeft,
  noteProved,
  readRecord,
} from "#tools/deploy/deployment_record.ts";
import { deploymentOf, LiveStack, versionsIn } from "#tools/deploy/live_stack.ts";
import { done, note } from "#tools/deploy/say.ts";
import { listDeployments, type Stack, serverless, type Template } from "#tools/deploy/serverless.ts";
import { smoke } from "#tools/deploy/smoke.ts";
import { PUBLIC_KEYS } from "#tools/stage/config/check_stage.ts";
import type { OnStage } from "#tools/stage/on_stage.ts";
import { CommandError } from "#tools/terminal/errors.ts";

export interface RollbackOptions extends OnStage {
  settingsFile: string;
  /** Which deployment, in epoch ms; the last good one before the live one unless told. */
  to: number | null;
  url: string | null;
}

/**
 * Puts a stage back to an earlier deployment: its code, its template and the versions of its parameters.
 * @throws CommandError, FrameworkError
 */
export async function rollback(options: RollbackOptions): Promise<void> {
  const { settings, store, settingsFile } = options;
  const stack: Stack = {
    stage: store.stage,
    settings: settingsFile,
    versions: `dist/${store.stage}-versions.json`,
    folder: `dist/${store.stage}`,
  };
  const live = new LiveStack(store.stage, settings);
  if ((await live.outputs()) === null) throw new CommandError(`nest-${store.stage} is not deployed.`);
  const before = await live.template();
  const current = deploymentOf(before);
  const kept = await listDeployments(stack);
  const record = await readRecord(live);
  const target = options.to ?? lastGood(record, kept, current ?? 0);
  if (target === undefined || !kept.includes(target)) {
    const missing =
      options.to === null
        ? "no deployment before the live one that is known to be good"
        : "no such deployment";
    const lines = kept.map((one) => `  ${inWords(one)}  ${standing(record, one, current)}`);
    throw new CommandError(
      `There is ${missing}; say one with --to. Kept are:\n${lines.join("\n") || "  none"}`,
    );
  }
  if (target === current) throw new CommandError("That is what is live.");
  note(`from ${inWords(current ?? 0)} to ${inWords(target)}`);
  await serverless(stack, ["rollback", `--timestamp=${target}`], true);
  done(`rolled back nest-${store.stage}`);
  const after = await live.template();
  if (current !== null) await noteLeft(live, current, target);
  for (const line of differences(before, after)) note(line);
  await smoke(options.url ?? (await addressOf(options)), await kidsOf(options, after), done);
  await noteProved(live, target);
}

const inWords = (timestamp: number) => `${timestamp}  ${new Date(timestamp).toISOString()}`;

function standing({ proved, left }: DeploymentRecord, one: number, current: number | null): string {
  if (one === current) return "live";
  if (left.includes(one)) return "was rolled back";
  return proved.includes(one) ? "good" : "never passed the smoke test";
}

/** Secrets that are older now: one that was replaced because it leaked is back. */
function differences(before: Template, after: Template): string[] {
  const now = versionsIn(after);
  return [...versionsIn(before)].flatMap(([name, version]) => {
    const restored = now.get(name);
    return restored === undefined || restored === version
      ? []
      : [`${name}: version ${version} -> ${restored}`];
  });
}

/** The ids of the keys of the version that is live again. */
async function kidsOf({ store }: OnStage, template: Template): Promise<string[]> {
  const version = versionsIn(template).get(PUBLIC_KEYS);
  const name = version === undefined ? PUBLIC_KEYS : `${PUBLIC_KEYS}:${version}`;
  const value = [...(await store.read([name])).values()][0]?.value;
  if (value === undefined) return [];
  return publicSet(JSON.parse(value), new Date()).keys.flatMap(({ kid }) => kid ?? []);
}
