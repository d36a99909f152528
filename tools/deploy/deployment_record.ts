import { NoSuchKey } from "@aws-sdk/client-s3";
import type { LiveStack } from "#tools/deploy/live_stack.ts";

/**
 * The record of deployments that passed the smoke test, and of deployments that were rolled back. Deployments are
 * identified by their time (epoch ms). The framework keeps the files of failed and rolled back deployments like any
 * others, so a rollback needs this record to choose its target.
 */
export interface DeploymentRecord {
  /** Deployments that passed the smoke test. */
  proved: readonly number[];
  /** Deployments that were rolled back. */
  left: readonly number[];
}

/** In the deployment bucket, outside the folder that the framework cleans up. */
const KEY = "nest-deployments.json";
/** More than the number of deployments whose files the framework keeps. */
const LONGEST_LIST = 100;

/** Reads the record; an empty one if there is none yet. */
export async function readRecord(live: LiveStack): Promise<DeploymentRecord> {
  try {
    return JSON.parse(Buffer.from(await live.artifact(KEY)).toString("utf8")) as DeploymentRecord;
  } catch (error) {
    if (error instanceof NoSuchKey) return { proved: [], left: [] };
    throw error;
  }
}

/** Records that a deployment is live and passed the smoke test. */
export const recordGood = (live: LiveStack, deployment: number): Promise<void> =>
  change(live, ({ proved, left }) => ({ proved: insert(proved, deployment), left }));

/** Records a rollback. Its target no longer counts as rolled back. */
export const recordRollback = (live: LiveStack, from: number, target: number): Promise<void> =>
  change(live, ({ proved, left }) => ({
    proved,
    left: insert(left, from).filter((deployment) => deployment !== target),
  }));

/**
 * Returns the deployment that a rollback goes to: the newest deployment before the live one that passed the smoke test,
 * was not rolled back, and whose files are kept.
 */
export function rollbackTarget(
  { proved, left }: DeploymentRecord,
  kept: readonly number[],
  live: number,
): number | undefined {
  return kept.findLast(
    (deployment) => deployment < live && proved.includes(deployment) && !left.includes(deployment),
  );
}

async function change(
  live: LiveStack,
  update: (record: DeploymentRecord) => DeploymentRecord,
): Promise<void> {
  await live.putArtifact(KEY, JSON.stringify(update(await readRecord(live))));
}

const insert = (deployments: readonly number[], deployment: number) =>
  [...new Set([...deployments, deployment])].sort((one, other) => one - other).slice(-LONGEST_LIST);
