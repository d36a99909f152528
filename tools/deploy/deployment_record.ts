import { NoSuchKey } from "@aws-sdk/client-s3";
import type { LiveStack } from "#tools/deploy/live_stack.ts";

/**
 * What became of deployments, by when they were made (epoch ms). The framework keeps the files of a deployment that
 * failed, and of one that was rolled back, like any other's: nothing else tells which were good.
 */
export interface DeploymentRecord {
  /** The smoke test passed. */
  proved: readonly number[];
  /** Somebody rolled back from it. */
  left: readonly number[];
}

/** In the deployment bucket, outside the folder that the framework clears. */
const KEY = "nest-deployments.json";
/** More than the framework keeps deployments. */
const KEPT = 100;

/** @returns an empty record where nothing was noted yet */
export async function readRecord(live: LiveStack): Promise<DeploymentRecord> {
  try {
    return JSON.parse(Buffer.from(await live.artifact(KEY)).toString("utf8")) as DeploymentRecord;
  } catch (error) {
    if (error instanceof NoSuchKey) return { proved: [], left: [] };
    throw error;
  }
}

/** Notes that a deployment is live and passed the smoke test. */
export const noteProved = (live: LiveStack, deployment: number): Promise<void> =>
  change(live, ({ proved, left }) => ({ proved: having(proved, deployment), left }));

/** Notes that one deployment was left for another, which is good enough to be live. */
export const noteLeft = (live: LiveStack, left: number, target: number): Promise<void> =>
  change(live, (record) => ({
    proved: record.proved,
    left: having(record.left, left).filter((one) => one !== target),
  }));

/** The deployment that a rollback goes to: the newest before the live one that was good, and that nobody left. */
export function lastGood(
  { proved, left }: DeploymentRecord,
  kept: readonly number[],
  current: number,
): number | undefined {
  return kept.findLast((one) => one < current && proved.includes(one) && !left.includes(one));
}

async function change(live: LiveStack, by: (record: DeploymentRecord) => DeploymentRecord): Promise<void> {
  await live.keepArtifact(KEY, JSON.stringify(by(await readRecord(live))));
}

const having = (deployments: readonly number[], one: number) =>
  [...new Set([...deployments, one])].sort((a, b) => a - b).slice(-KEPT);
