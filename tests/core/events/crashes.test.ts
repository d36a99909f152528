import { afterAll, beforeAll, expect, test } from "vitest";
import { type RpcHandler, serveRpc } from "#entry/rpc.ts";
import { handler as acceptInvite } from "#methods/2026-12-01/accounts/accept_account_invite.ts";
import { handler as updateAccount } from "#methods/2026-12-01/accounts/update_account.ts";
import { handler as setRole } from "#methods/2026-12-01/roles/set_role.ts";
import { handler as deleteWebhook } from "#methods/2026-12-01/webhooks/delete_webhook.ts";
import { handler as sendTestMessage } from "#methods/2026-12-01/webhooks/send_test_webhook.ts";
import { loadMethods } from "#routes.ts";
import { CHANGES, NOT_CRASHED, READS, type RecordedChange } from "#tests/core/events/changes.ts";
import { type CrashPoint, crashAt, crashSides } from "#tests/support/crash.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";
import { addWebhook, deliver, startReceiver, type TestReceiver } from "#tests/support/webhooks.ts";
import { toEvent } from "#tools/local/gateway.ts";

type Change = Awaited<ReturnType<RecordedChange["prepare"]>>;

/** The version whose methods are crashed: its own, and those of earlier dates that it serves too. */
const VERSION = "/1/2026-12-01/";

/** The methods that `npm test` crashes, because all take minutes. `test:faults -- --suite crashes --all` crashes every one. */
const SAMPLE: RpcHandler[] = [updateAccount, acceptInvite, setRole, deleteWebhook, sendTestMessage];

let receiver: TestReceiver;
let nest: TestNest;
beforeAll(async () => {
  receiver = await startReceiver();
  const limits = { LIMIT_MAILS_PER_HOUR: "0", LIMIT_REGISTRATIONS_PER_NETWORK: "0" };
  nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: receiver.host, ...limits } });
  await addWebhook(nest, { url: receiver.url, events: ["*"] });
});
afterAll(async () => {
  await nest.stop();
  await receiver[Symbol.asyncDispose]();
});

const pathOf = ({ declaration: { version, name } }: RpcHandler) => `/1/${version}/${name}`;

function headersOf({ by }: Change): Record<string, string> {
  if (by === "nobody") return {};
  return {
    authorization: by === "internal" ? `internal ${nest.secrets.internalKey}` : `bearer ${by.bearer}`,
  };
}

/** Makes a call in a process that stops at a write. @returns whether it stopped, and so never responded */
async function callOnce(handler: RpcHandler, change: Change, point: CrashPoint) {
  const crashed = Promise.withResolvers<true>();
  const { open, settled } = crashAt(nest.gateway, point, () => crashed.resolve(true));
  const path = pathOf(handler);
  const body = Buffer.from(JSON.stringify(change.body));
  const incoming = { method: "POST", path, headers: headersOf(change), body, ip: "203.0.113.9" };
  const answered = serveRpc(handler.declaration, open)(toEvent(incoming, path), lambdaContext());
  const hasCrashed = await Promise.race([crashed.promise, answered.then(() => false)]);
  await settled();
  return hasCrashed;
}

/** Moves and sends what is due, then forgets it, so that only what follows counts. */
async function forgetEarlier(): Promise<void> {
  await deliver(nest);
  await nest.collection("audit_logs").deleteMany({});
  receiver.requests.splice(0);
}

/** The rows of an action, and the messages about it that the receiver got. */
async function recordedAndSent(action: string) {
  await deliver(nest);
  await deliver(nest);
  const rows = await nest.collection("audit_logs").find({ action }).toArray();
  const messages = receiver.requests.map(({ body }) => JSON.parse(String(body)));
  const sent = messages.filter(({ type }) => type === action);
  return {
    types: messages.map(({ type }) => type),
    rows: rows.map(({ _id }) => String(_id).replace("audit_", "")).sort(),
    sent: sent.map(({ data }) => String(data.event_id).replace("event_", "")).sort(),
  };
}

test.each(
  CHANGES.filter(({ handler }) => suiteOptions.isWhole || SAMPLE.includes(handler)).map(
    (change) => [change.handler.declaration.name, change.action, change] as const,
  ),
)(
  "%s records a change by one %s in the audit log and sends it once, when its process dies at any write and the caller repeats the call",
  async (_name, action, { handler, prepare, records, resends }) => {
    let crashes = 0;
    for (let at = 1, isOver = false; !isOver; at++) {
      for (const when of crashSides(at)) {
        const change = await prepare(nest);
        await forgetEarlier();
        isOver = !(await callOnce(handler, change, { at, when }));
        if (!isOver) crashes++;
        // A repeated call that changes nothing more must find the event of the stopped call as it was left.
        const earlier = records === "each" ? (await recordedAndSent(action)).rows.length : 0;
        // The caller waits until what the stopped call had claimed can be used again, and until a code can be sent again.
        nest.clock.advance(61);
        const again = await nest.call(pathOf(handler), change.body, { headers: headersOf(change) });
        // A call that was complete is refused if it is repeated: the address is taken, the link is used.
        expect([200, 204, 404, 409], `${at} ${when} ${again.raw}`).toContain(again.status);
        const { rows, sent, types } = await recordedAndSent(action);
        expect(sent, `${at} ${when}`).toEqual(rows);
        if (resends) expect(types, `${at} ${when}`).toContain(resends);
        expect([earlier <= 1, rows.length], `${at} ${when}`).toEqual([true, earlier + 1]);
      }
    }
    expect(crashes).toBeGreaterThan(0);
  },
);

test("every method of the newest version is crashed, only reads, or has a reason why it is not crashed", async () => {
  const methods = (await loadMethods()).filter(({ paths }) => paths.some((path) => path.startsWith(VERSION)));
  const names = methods.map(({ handler }) => handler.declaration.name).sort();
  const crashed = new Set(CHANGES.map(({ handler }) => handler.declaration.name));
  expect([...crashed, ...READS, ...Object.keys(NOT_CRASHED)].sort()).toEqual(names);
});
