import { afterAll, beforeAll, expect, test } from "vitest";
import { type RpcHandler, serveRpc } from "#entry/rpc.ts";
import { handler as acceptInvite } from "#methods/2026-12-01/accounts/accept_account_invite.ts";
import { handler as addUser } from "#methods/2026-12-01/accounts/add_account_user.ts";
import { handler as removeUser } from "#methods/2026-12-01/accounts/remove_account_user.ts";
import { handler as setMemberRole } from "#methods/2026-12-01/accounts/set_account_user_role.ts";
import { handler as updateAccount } from "#methods/2026-12-01/accounts/update_account.ts";
import { handler as setRole } from "#methods/2026-12-01/roles/set_role.ts";
import { handler as setUserRoles } from "#methods/2026-12-01/roles/set_user_roles.ts";
import { handler as createUser } from "#methods/2026-12-01/users/create_user.ts";
import { handler as deleteUser } from "#methods/2026-12-01/users/delete_user.ts";
import { handler as updateUser } from "#methods/2026-12-01/users/update_user.ts";
import { handler as deleteWebhook } from "#methods/2026-12-01/webhooks/delete_webhook.ts";
import { handler as updateWebhook } from "#methods/2026-12-01/webhooks/update_webhook.ts";
import { crashAt, crashSides } from "#tests/support/crash.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { as, newAddress, newMember, newOwner, userToAdd } from "#tests/support/members.ts";
import { linkIn, NATIVE, SIMPLE, startNest, type TestNest } from "#tests/support/nest.ts";
import { giveRole } from "#tests/support/roles.ts";
import { suiteOptions } from "#tests/support/suite_options.ts";
import { addWebhook, deliver, startReceiver, type TestReceiver } from "#tests/support/webhooks.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** A call whose change is recorded by one event. */
interface Change {
  body: object;
  /** The access token of the caller; without it the caller is internal. */
  bearer?: string;
}

let receiver: TestReceiver;
let nest: TestNest;
beforeAll(async () => {
  receiver = await startReceiver();
  nest = await startNest({ environment: { WEBHOOK_ALLOW_HOSTS: receiver.host, LIMIT_MAILS_PER_HOUR: "0" } });
  await addWebhook(nest, { url: receiver.url, events: ["*"] });
});
afterAll(async () => {
  await nest.stop();
  await receiver[Symbol.asyncDispose]();
});

let keys = 0;
const newKey = () => `crash_${++keys}`;
const roleOf = (key: string) => ({
  ...{ scope: "platform", key, name: "Desk", level: 20, capabilities: ["users.read"] },
});

async function withMember() {
  const owner = await newOwner(nest);
  const { user_id } = await newMember(nest, owner);
  return { bearer: owner.access_token, user_id };
}

/** Of the changes, those that `npm test` makes. The others take about as long each: `--suite crashes --all` makes all. */
const SAMPLE: RpcHandler[] = [updateAccount, acceptInvite, setRole, deleteWebhook];

const CHANGES: [action: string, handler: RpcHandler, prepare: () => Promise<Change>][] = [
  [
    "account.updated",
    updateAccount,
    async () => ({ bearer: (await newOwner(nest)).access_token, body: { name: "Acme" } }),
  ],
  [
    "account.user_added",
    addUser,
    async () => ({ bearer: (await newOwner(nest)).access_token, body: userToAdd() }),
  ],
  [
    "account.user_added",
    acceptInvite,
    async () => {
      const [head, person] = [await newOwner(nest), await newOwner(nest)];
      const invited = { identifier_type: "email", identifier_value: person.address };
      await as(nest, head, "add_account_user", invited);
      const token = linkIn(nest.lastMail(person.address)).searchParams.get("token");
      return { bearer: person.access_token, body: { client_id: NATIVE, token } };
    },
  ],
  [
    "account.user_role_changed",
    setMemberRole,
    async () => {
      const { bearer, user_id } = await withMember();
      return { bearer, body: { user_id, role_key: "admin" } };
    },
  ],
  [
    "account.user_removed",
    removeUser,
    async () => {
      const { bearer, user_id } = await withMember();
      return { bearer, body: { user_id } };
    },
  ],
  ["role.changed", setRole, async () => ({ body: roleOf(newKey()) })],
  [
    "user.roles_changed",
    setUserRoles,
    async () => {
      const key = newKey();
      await giveRole(nest, { key });
      return { body: { user_id: (await newOwner(nest)).user_id, roles: [key] } };
    },
  ],
  [
    "user.created",
    createUser,
    async () => ({
      body: { client_id: SIMPLE, identifier_type: "email", identifier_value: newAddress("created") },
    }),
  ],
  [
    "user.updated",
    updateUser,
    async () => ({ body: { user_id: (await newOwner(nest)).user_id, name: "Ada" } }),
  ],
  [
    "user.disabled",
    updateUser,
    async () => ({ body: { user_id: (await newOwner(nest)).user_id, status: "disabled" } }),
  ],
  ["user.deleted", deleteUser, async () => ({ body: { user_id: (await newOwner(nest)).user_id } })],
  [
    "webhook.updated",
    updateWebhook,
    async () => ({ body: { webhook_id: await otherWebhook(), enabled: false } }),
  ],
  ["webhook.deleted", deleteWebhook, async () => ({ body: { webhook_id: await otherWebhook() } })],
];

/** A webhook that gets none of these events. */
async function otherWebhook(): Promise<string> {
  await nest.collection("webhooks").deleteMany({ eventTypes: ["webhook.test"] });
  return (await addWebhook(nest, { url: receiver.url })).id;
}

const pathOf = ({ declaration: { version, name } }: RpcHandler) => `/1/${version}/${name}`;
const headersOf = ({ bearer }: Change): Record<string, string> => ({
  authorization: bearer ? `bearer ${bearer}` : `internal ${nest.secrets.internalKey}`,
});

/** Makes a call in a process that stops at a write. @returns whether it stopped, and so never responded */
async function callOnce(handler: RpcHandler, change: Change, point: Parameters<typeof crashAt>[1]) {
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

test.each(
  CHANGES.filter(([, handler]) => suiteOptions.isWhole || SAMPLE.includes(handler)).map(
    ([action, handler, prepare]) => [handler.declaration.name, action, handler, prepare] as const,
  ),
)(
  "%s has one %s in the audit log and sends it once, when its process dies at any write and the caller repeats the call",
  async (_name, action, handler, prepare) => {
    let crashes = 0;
    for (let at = 1, isOver = false; !isOver; at++) {
      for (const when of crashSides(at)) {
        const change = await prepare();
        await forgetEarlier();
        isOver = !(await callOnce(handler, change, { at, when }));
        if (!isOver) crashes++;
        // The caller waits until what the stopped call had claimed can be used again.
        nest.clock.advance(10);
        const again = await nest.call(pathOf(handler), change.body, { headers: headersOf(change) });
        // A call that was complete is refused if it is repeated: the address is taken, the link is used.
        expect([200, 404, 409], `${at} ${when} ${again.raw}`).toContain(again.status);
        await deliver(nest);
        await deliver(nest);
        const rows = await nest.collection("audit_logs").countDocuments({ action });
        const sent = receiver.requests.map(({ body }) => JSON.parse(String(body)).type);
        const sentOnce = sent.filter((type) => type === action);
        expect([rows, sentOnce.length], `${at} ${when} ${sent.join()}`).toEqual([1, 1]);
      }
    }
    expect(crashes).toBeGreaterThan(0);
  },
);
