/** A process that runs what the job `deliver_webhooks` runs, again and again, as the log and EventBridge start it. */
import { openCore } from "#core/core.ts";
import { moveAndAnnounce } from "#core/events/move_events.ts";
import { mailer, outboxes } from "#core/parts.ts";
import { RECEIVER_LIMIT_MS, Receiver } from "#core/services/receiver.ts";
import { deliverWebhooks } from "#core/webhooks/deliver.ts";
import { receiver, webhookKeys } from "#core/webhooks/webhook_parts.ts";
import { fastClock, SPEED } from "#tests/deliveries/fast_clock.ts";

/** What a run reports to the test. */
export interface RunReport {
  /** Webhooks whose deliveries could not be sent because of Nest; 1 for a run that threw. */
  failed: number;
  error?: string;
}

/** The machine is busy, and the database must not be what fails. */
const SLOWDOWN = 5;
/** A run starts so often. Runs overlap, because a receiver that hangs keeps a run busy. */
const EVERY_MS = 1_000;
/** `reservedConcurrency` of the job is 10, for all processes. */
const RUNS_AT_ONCE = 5;
/** As in the job: it begins no attempt in the last part of its minute. */
const RUN_MS = 36_000 / SPEED;
const PATIENCE_MS = 8_000 / SPEED;

const open = openCore(process.env, {
  clock: fastClock(Number(process.env.CLOCK_STARTED_AT)),
  write: () => undefined,
  slowdown: SLOWDOWN,
});
const core = {
  ...open.core,
  ...{ mailer: open.part(mailer), outboxes: open.part(outboxes), webhookKeys: open.part(webhookKeys) },
  receiver: new Receiver(open.part(receiver).hosts, RECEIVER_LIMIT_MS / SPEED),
};
let running = 0;

async function runOnce(): Promise<RunReport> {
  const deadline = Date.now() + RUN_MS;
  const moved = await moveAndAnnounce(core, deadline);
  const { failed } = await deliverWebhooks(core, { deadline, patienceMs: PATIENCE_MS });
  return { failed: failed + moved.failed };
}

async function startRun(): Promise<void> {
  if (running >= RUNS_AT_ONCE) return;
  running++;
  const report = await runOnce().catch((error: Error) => ({ failed: 1, error: String(error.stack) }));
  running--;
  process.send?.(report);
}

setInterval(() => void startRun(), EVERY_MS);
void startRun();
// The test has ended, however it did.
process.on("disconnect", () => process.exit());
