import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "#stripe_double/random.ts";
import { fastClock } from "#tests/deliveries/fast_clock.ts";
import { addWebhooks, readDeliveries, recordEvents } from "#tests/deliveries/flood.ts";
import { type Judged, judge, lostOf } from "#tests/deliveries/judge.ts";
import {
  KINDS,
  REACHED,
  type Receiver,
  type Receivers,
  startReceivers,
} from "#tests/deliveries/receivers.ts";
import { startWorker, type Worker } from "#tests/deliveries/workers.ts";
import { BUSY_MACHINE, startNest, type TestNest } from "#tests/support/nest.ts";
import { seedOf } from "#tests/support/seed.ts";
import { reportSuite, suiteOptions } from "#tests/support/suite_options.ts";
import { callWebhooks } from "#tests/support/webhooks.ts";

const DELIVERIES = suiteOptions.deliveries ?? (suiteOptions.isWhole ? 10_000 : 1_000);
/** Events whose delivery is timed, with and without receivers that hang. */
const PROBES = 5;
/** How much later a receiver may get a message because others hang. */
const DELAY_LIMIT_MS = 2_000;
/** A request of the killed process may wait in a socket. */
const IN_SOCKET_MS = 1_000;
/** Only ends a run that hangs. */
const PATIENCE = { timeout: 1_800_000, interval: 250 };

describe("deliveries by two processes, to receivers of which some fail, hang and redirect", () => {
  const startedAt = Date.now();
  let receivers: Receivers;
  let nest: TestNest;
  let byWebhook: Map<string, Receiver>;
  let workers: Worker[];
  let recorded = 0;
  beforeAll(async () => {
    receivers = await startReceivers();
    const hosts = receivers.all.map(({ host }) => host).join();
    nest = await startNest({
      clock: fastClock(startedAt),
      environment: { WEBHOOK_ALLOW_HOSTS: hosts },
      slowdown: BUSY_MACHINE,
    });
    byWebhook = await addWebhooks(nest, receivers.all);
    workers = [1, 2].map(() => startWorker(nest.environment, startedAt));
    await Promise.all(workers.map(({ started }) => started));
  });
  afterAll(async () => {
    for (const worker of workers ?? []) await worker.kill();
    await nest?.stop();
    await receivers?.[Symbol.asyncDispose]();
  });

  const record = async (count: number) => {
    await recordEvents(nest, recorded, count);
    recorded += count;
  };
  const reached = () => receivers.all.filter(({ kind }) => REACHED.includes(kind));
  const accepted = ({ arrivals }: Receiver) =>
    new Set(arrivals.filter(({ status }) => status === 204).map(({ messageId }) => messageId)).size;
  const acceptedByAll = () => reached().reduce((sum, receiver) => sum + accepted(receiver), 0);

  /** The longest time of several events until each receiver that works has them, in milliseconds. */
  async function probe(): Promise<number> {
    const works = receivers.all.filter(({ kind }) => kind === "works");
    let longest = 0;
    for (let number = 0; number < PROBES; number++) {
      const before = works.map(({ arrivals }) => arrivals.length);
      const sentAt = Date.now();
      await record(1);
      const hasAll = () => works.every(({ arrivals }, index) => arrivals.length > (before[index] ?? 0));
      await expect.poll(hasAll, { ...PATIENCE, interval: 10 }).toBe(true);
      longest = Math.max(longest, ...works.map(({ arrivals }) => (arrivals.at(-1)?.at ?? sentAt) - sentAt));
    }
    return longest;
  }

  /** How many deliveries whose message was accepted are not recorded as such. */
  function pendingOfReached(): Promise<number> {
    const ids = [...byWebhook].filter(([, { kind }]) => REACHED.includes(kind)).map(([id]) => id);
    return nest
      .collection("webhook_deliveries")
      .countDocuments({ webhookId: { $in: ids }, status: { $ne: "succeeded" } });
  }

  /** Disables the receivers that hang. */
  async function stopHanging(): Promise<void> {
    for (const [webhook_id, { kind }] of byWebhook)
      if (kind === "hangs") await callWebhooks(nest, "update_webhook", { webhook_id, enabled: false });
  }

  test("arrive although a process is killed, none twice unless its answer was lost, and a receiver that hangs delays no other", async () => {
    const random = seededRandom(seedOf("deliveries"));
    const events = Math.max(1, Math.round(DELIVERIES / byWebhook.size));
    const killAt = Math.ceil(events * reached().length * (0.1 + 0.5 * random()));
    const floodAt = Date.now();
    const recording = record(events);
    await expect.poll(acceptedByAll, { ...PATIENCE, interval: 20 }).toBeGreaterThanOrEqual(killAt);
    await workers[0]?.kill();
    const killedAt = Date.now();
    await recording;
    await expect.poll(acceptedByAll, PATIENCE).toBe(events * reached().length);
    const seconds = Math.round((Date.now() - floodAt) / 1000);
    await expect.poll(pendingOfReached, PATIENCE).toBe(0);

    const withHanging = await probe();
    await stopHanging();
    const without = await probe();
    await expect.poll(acceptedByAll, PATIENCE).toBe(recorded * reached().length);
    await expect.poll(pendingOfReached, PATIENCE).toBe(0);
    for (const worker of workers) await worker.kill();

    const judged = await readDeliveries(nest, byWebhook);
    const delay = Math.max(0, withHanging - without);
    await reportSuite({
      suite: "deliveries",
      summary:
        `${judged.length} deliveries of ${recorded} events to ${byWebhook.size} receivers. One of two processes was killed after ` +
        `${killAt} had arrived. The ${events * reached().length} that could arrive took ${seconds} s, with the minute that the ` +
        `lease of the killed process lasts shortened to 15 s. Receivers that hang delayed the others by ${delay} ms at most.`,
      table: tableOf(judged),
    });
    expect(workers.flatMap(({ errors }) => errors)).toEqual([]);
    // The webhooks that were disabled got no delivery of the last probes.
    const hanging = receivers.all.filter(({ kind }) => kind === "hangs").length;
    expect(judged).toHaveLength(recorded * byWebhook.size - PROBES * hanging);
    expect(judged.flatMap((one) => judge(one, killedAt + IN_SOCKET_MS))).toEqual([]);
    expect(receivers.followed()).toBe(0);
    expect(delay).toBeLessThanOrEqual(DELAY_LIMIT_MS);
  }, 3_600_000);
});

/** What became of the deliveries to each kind of receiver. */
function tableOf(judged: readonly Judged[]) {
  const count = (of: readonly Judged[], isOne: (one: Judged) => boolean) => String(of.filter(isOne).length);
  return {
    head: ["Receivers", "Deliveries", "Arrived and accepted", "Accepted twice", "Answer lost", "Attempts"],
    rows: KINDS.map((kind) => {
      const of = judged.filter((one) => one.kind === kind);
      const acceptances = ({ arrivals }: Judged) => arrivals.filter(({ status }) => status === 204).length;
      return [
        kind,
        String(of.length),
        count(of, (one) => acceptances(one) > 0),
        count(of, (one) => acceptances(one) > 1),
        count(of, ({ delivery }) => lostOf(delivery) > 0),
        String(of.reduce((sum, { delivery }) => sum + delivery.tries, 0)),
      ];
    }),
  };
}
