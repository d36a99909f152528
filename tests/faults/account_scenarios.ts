import type { Scenario } from "#tests/faults/scenario.ts";
import { as } from "#tests/support/members.ts";
import { exchange, linkIn, NATIVE, type Reply, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, P1, register, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { ADAPTER_CLIENT_IDS } from "#tools/local/sample_clients.ts";

/** A signed-in user with an account. */
async function owner(nest: TestNest, address: string): Promise<Tokens> {
  await givePassword(nest, address);
  return (await signInWith(nest, address)).body;
}

const add = (nest: TestNest, person: Tokens, address: string, change: object = {}): Promise<Reply> =>
  as(nest, person, "add_account_user", {
    ...{ identifier_type: "email", identifier_value: `added.${address}`, password: P1 },
    ...change,
  });

/** Adds a member. @returns their id */
async function added(nest: TestNest, person: Tokens, address: string, change: object = {}): Promise<string> {
  const { status, raw, body } = await add(nest, person, address, change);
  if (status !== 200) throw new Error(`add_account_user answered ${status} ${raw}`);
  return body.user_id;
}

/** Adds a member. If the response was lost and the call went on to its end, the user is a member. */
async function addOnce(nest: TestNest, person: Tokens, address: string): Promise<Reply> {
  const reply = await add(nest, person, address);
  if (reply.status !== 409) return reply;
  const { items } = (await as(nest, person, "list_account_users")).body;
  const isDone = items?.some(({ email }: { email: string }) => email === `added.${address}`);
  return isDone ? { ...reply, status: 200 } : reply;
}

/** Whether a user has an account beside their own. */
const hasTwoAccounts = async (nest: TestNest, person: Tokens): Promise<boolean> =>
  ((await as(nest, person, "list_accounts")).body.items?.length ?? 0) > 1;

/** A call of a method by a user with an account. */
const byOwner = (method: string, body: object = {}): Scenario => ({
  path: `${V3}${method}`,
  async prepare({ nest }, address) {
    const person = await owner(nest, address);
    return () => as(nest, person, method, body);
  },
});

/** Methods about accounts and their members. */
export const ACCOUNT_SCENARIOS: readonly Scenario[] = [
  byOwner("list_accounts"),
  byOwner("get_account"),
  {
    path: `${V3}create_account`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      let isRepeated = false;
      return async () => {
        // A repeated call creates another account. So an app that got no response looks for the account first.
        if (isRepeated && (await hasTwoAccounts(nest, person))) return as(nest, person, "list_accounts");
        isRepeated = true;
        return as(nest, person, "create_account", { name: "Acme" });
      };
    },
  },
  byOwner("update_account", { name: "Acme" }),
  {
    path: `${V3}set_account_user_role`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      const user_id = await added(nest, person, address);
      return () => as(nest, person, "set_account_user_role", { user_id, role_key: "admin" });
    },
  },
  {
    path: `${V3}add_account_user`,
    kind: "an invitation",
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      return () => add(nest, person, address, { password: undefined });
    },
  },
  {
    path: `${V3}accept_account_invite`,
    async prepare({ nest }, address) {
      const head = await owner(nest, `head.${address}`);
      await add(nest, head, "", { identifier_value: address, password: undefined });
      const token = linkIn(nest.lastMail(address)).searchParams.get("token");
      const person = await owner(nest, address);
      return async () => {
        const reply = await as(nest, person, "accept_account_invite", { client_id: NATIVE, token });
        if (reply.status !== 404) return reply;
        // The response was lost, and the call went on to its end: the user is a member, and the link is used up.
        const used = { identifierValue: address, purpose: "invite", usedAt: { $ne: null }, redemption: null };
        const isDone =
          (await hasTwoAccounts(nest, person)) && (await nest.collection("verifications").findOne(used));
        return isDone ? { ...reply, status: 200 } : reply;
      };
    },
  },
  {
    path: `${V3}list_account_users`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      return () => as(nest, person, "list_account_users", {});
    },
  },
  {
    path: `${V3}list_audit_logs`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      const account_id = person.user_id.replace("user_", "account_");
      return () => as(nest, person, "list_audit_logs", { account_id });
    },
  },
  {
    path: `${V3}add_account_user`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      return () => addOnce(nest, person, address);
    },
  },
  {
    path: `${V3}add_account_user`,
    kind: "before a proof",
    async prepare({ nest }, address) {
      const client_id = ADAPTER_CLIENT_IDS.static_backend;
      const { status, raw, body } = await register(nest, { client_id, identifier_value: address });
      if (status !== 200) throw new Error(`register_user answered ${status} ${raw}`);
      return () => addOnce(nest, body, address);
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "a chosen account",
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      const { account } = (await as(nest, person, "create_account")).body;
      const code = await nest.emailedCode({ identifier_value: address });
      return () => nest.call(`${V3}authenticate_user`, { ...exchange(code), account_id: account.id });
    },
  },
  {
    path: `${V3}remove_account_user`,
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      const user_id = await added(nest, person, address);
      await signInWith(nest, `added.${address}`);
      return () => as(nest, person, "remove_account_user", { user_id });
    },
  },
  {
    path: `${V3}remove_account_user`,
    kind: "with the user",
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      const user_id = await added(nest, person, address);
      return () => as(nest, person, "remove_account_user", { user_id, delete_user: true });
    },
  },
  {
    path: `${V3}remove_account_user`,
    kind: "an owner",
    async prepare({ nest }, address) {
      const person = await owner(nest, address);
      await added(nest, person, address, { role_key: "owner" });
      return () => as(nest, person, "remove_account_user", { user_id: person.user_id });
    },
  },
];
