import { Refused } from "#cli/command.ts";
import { publicSet } from "#core/auth/signing_keys.ts";
import { PUBLIC_KEYS } from "#deploy/config/check_stage.ts";
import { addressOf } from "#deploy/deploy.ts";
import { artifactFolder, LiveStack, timestampOf, versionsIn } from "#deploy/live_stack.ts";
import type { OnStage } from "#deploy/on_stage.ts";
import { done, note } from "#deploy/say.ts";
import { type Stack, serverless, type Template } from "#deploy/serverless.ts";
import { smoke } from "#deploy/smoke.ts";

export interface RollbackOptions extends OnStage {
  settingsFile: string;
  /** Which deployment, in epoch ms; the one before the live one unless told. */
  to: number | null;
  url: string | null;
}

/**
 * Puts a stage back to an earlier deployment: its code, its template and the versions of its parameters.
 * @throws Refused, FrameworkError
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
  if ((await live.outputs()) === null) throw new Refused(`nest-${store.stage} is not deployed.`);
  const before = await live.template();
  const folder = artifactFolder(before);
  const current = folder === null ? null : timestampOf(folder);
  const kept = await listDeployments(stack);
  const target = options.to ?? kept.findLast((timestamp) => current !== null && timestamp < current);
  if (target === undefined || !kept.includes(target)) {
    const missing = options.to === null ? "no deployment before the live one" : "no such deployment";
    throw new Refused(`There is ${missing}. Kept are:\n${kept.map(inWords).join("\n") || "  none"}`);
  }
  if (target === current) throw new Refused("That is what is live.");
  note(`from ${inWords(current ?? 0).trim()} to ${inWords(target).trim()}`);
  await serverless(stack, ["rollback", `--timestamp=${target}`], true);
  const after = await live.template();
  done(`rolled back nest-${store.stage}`);
  for (const line of differences(before, after)) note(line);
  await smoke(options.url ?? (await addressOf(options)), await kidsOf(options, after), done);
}

const inWords = (timestamp: number) => `  ${timestamp}  ${new Date(timestamp).toISOString()}`;

/** The deployments whose files are kept, oldest first. */
async function listDeployments(stack: Stack): Promise<number[]> {
  const printed = await serverless(stack, ["deploy", "list"]);
  return [...printed.matchAll(/Timestamp: (\d+)/g)].map(([, timestamp]) => Number(timestamp)).sort();
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
