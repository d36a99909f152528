import type { DoubleEvent } from "#stripe_double/types.ts";
import { ACCOUNT_SCENARIOS } from "#tests/faults/account_scenarios.ts";
import { MFA_SCENARIOS } from "#tests/faults/mfa_scenarios.ts";
import { OAUTH_SCENARIOS } from "#tests/faults/oauth_scenarios.ts";
import { PASSKEY_SCENARIOS } from "#tests/faults/passkey_scenarios.ts";
import { PASSWORD_SCENARIOS } from "#tests/faults/password_scenarios.ts";
import { PEOPLE_SCENARIOS } from "#tests/faults/people_scenarios.ts";
import type { ProxiedNest } from "#tests/faults/proxied_nest.ts";
import { machineOf, newNumber, request, type Scenario, signIn } from "#tests/faults/scenario.ts";
import { WEBHOOK_SCENARIOS } from "#tests/faults/webhook_scenarios.ts";
import { askForCode, redeemCode, redeemToken, sentCode, sentToken } from "#tests/support/codes.ts";
import { email, sentSecret, verify } from "#tests/support/identifiers.ts";
import {
  type CallOptions,
  codeIn,
  exchange,
  NATIVE,
  type TestNest,
  V1,
  V2,
  WINDOWS,
} from "#tests/support/nest.ts";
import { CANCEL, SUCCESS, V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";
import { askForLink, disownToken, redeemLink, sentUserCode } from "#tests/support/user_codes.ts";

type BodyOf = (user_id: string, proxied: ProxiedNest, address: string) => object | Promise<object>;

/** Calls of methods after a user has signed in. @param caller who calls */
const callsOf =
  (caller: (bearer: string) => CallOptions) =>
  (path: string, body: BodyOf): Scenario => ({
    path,
    async prepare(proxied, address) {
      const { nest } = proxied;
      const { user_id, access_token } = await signIn(nest, address);
      const asked = await body(user_id, proxied, address);
      // Expires the cached news and the cached link to the billing portal.
      nest.clock.advance(61);
      return () => nest.call(path, asked, caller(access_token));
    },
  });

/** A call of a method by a signed-in user. */
const signedIn = callsOf((bearer) => ({ bearer }));
/** A call of a method by an internal caller, about a user. */
const asAdministrator = callsOf(() => ({ internal: true }));

const ROLE = { scope: "platform", name: "Desk", level: 20, capabilities: ["users.read"] };
/** The key of a role that no other scenario uses. */
const keyOf = (address: string) =>
  address
    .replace(/[^a-z0-9]/gi, "_")
    .toLowerCase()
    .slice(-40);

/** Asks for a message to a new address of the user whose address is given. */
const asked = async (nest: TestNest, address: string, delivery: "code" | "link") =>
  sentSecret(nest, await signIn(nest, address, { client_id: WINDOWS }), {
    ...{ client_id: WINDOWS, ...email(`second.${address}`), delivery },
  });

/** Adds a second address to the user whose address is given. @returns its id */
async function added(nest: TestNest, address: string): Promise<string> {
  const { identifier_id, proof } = await asked(nest, address, "code");
  await verify(nest, { client_id: WINDOWS, ...proof });
  return identifier_id;
}

/** The proof of a second address. */
const proves = (delivery: "code" | "link"): Scenario => ({
  path: `${V3}verify_identifier`,
  async prepare({ nest }, address) {
    const { proof } = await asked(nest, address, delivery);
    return () => verify(nest, { client_id: WINDOWS, ...proof });
  },
});

/** The delivery of the newest event of a type. */
function delivers(
  kind: string,
  type: string,
  prepareStripe: (proxied: ProxiedNest, address: string) => Promise<void>,
): Scenario {
  return {
    path: "/1/webhook/stripe",
    kind,
    async prepare(proxied, address) {
      const { nest } = proxied;
      await prepareStripe(proxied, address);
      const event = nest.stripe.events().findLast((one) => one.type === type) as DoubleEvent;
      return () => nest.webhook(event);
    },
  };
}

const buys = (nest: TestNest, address: string) => nest.stripe.createSubscription({ email: address });
/** Creates a subscription and delivers every event so far. */
const subscribed = async (proxied: ProxiedNest, address: string, wanted: object = {}) => {
  const { nest } = proxied;
  const made = nest.stripe.createSubscription({ email: address, ...wanted });
  await proxied.deliverEvents();
  nest.clock.advance(5);
  return made;
};

export const SCENARIOS: readonly Scenario[] = [
  {
    path: `${V1}send_magic_link`,
    prepare:
      async ({ nest }, address) =>
      () =>
        nest.call(`${V1}send_magic_link`, request(address)),
  },
  {
    path: `${V1}authenticate_user`,
    kind: "code, new user",
    async prepare({ nest }, address) {
      await nest.requestLink({ identifier_value: address, device: machineOf(address) });
      const code = codeIn(nest.lastMail(address));
      return () => nest.redeem(code);
    },
  },
  {
    path: `${V1}authenticate_user`,
    kind: "code, known user",
    async prepare({ nest }, address) {
      await signIn(nest, address, { client_id: WINDOWS, device: machineOf(`other ${address}`) });
      await nest.requestLink({ identifier_value: address, device: machineOf(address) });
      const code = codeIn(nest.lastMail(address));
      return () => nest.redeem(code);
    },
  },
  {
    path: `${V1}authenticate_user`,
    kind: "refresh",
    async prepare({ nest }, address) {
      const { refresh_token } = await signIn(nest, address);
      return () => nest.refresh(refresh_token);
    },
  },
  {
    path: `${V1}authenticate_user`,
    kind: "second refresh",
    async prepare({ nest }, address) {
      const { refresh_token } = await signIn(nest, address);
      const { body } = await nest.refresh(refresh_token);
      return () => nest.refresh(body.refresh_token);
    },
  },
  {
    path: `${V1}authenticate_user`,
    kind: "refresh token used again",
    async prepare({ nest }, address) {
      const { refresh_token, user_id } = await signIn(nest, address);
      const { body } = await nest.refresh(refresh_token);
      await nest.call(`${V2}get_user`, { user_id }, { bearer: body.access_token });
      nest.clock.advance(11);
      return () => nest.refresh(refresh_token);
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "code by mail, new user",
    async prepare({ nest }, address) {
      const sent = await sentCode(nest, { identifier_type: "email", identifier_value: address });
      return () => redeemCode(nest, sent, { device: { ...machineOf(address), device_id: "d" } });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "code by mail, known user",
    async prepare({ nest }, address) {
      await signIn(nest, address, { client_id: WINDOWS, device: machineOf(`other ${address}`) });
      const sent = await sentCode(nest, { identifier_type: "email", identifier_value: address });
      return () => redeemCode(nest, sent, { device: machineOf(address) });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "user code, known user",
    async prepare({ nest }, address) {
      await signIn(nest, address, { client_id: WINDOWS, device: machineOf(`other ${address}`) });
      const asked = { identifier_value: address, device: machineOf(address), client_id: NATIVE };
      const { nonce, user_code } = await sentUserCode(nest, asked);
      return () => redeemLink(nest, { nonce, user_code }, { client_id: NATIVE });
    },
  },
  {
    path: `${V3}authenticate_user`,
    kind: "new device of a known user",
    async prepare({ nest }, address) {
      await signIn(nest, address, { device: machineOf(`other ${address}`) });
      const asked = { identifier_value: address, device: machineOf(address) };
      const code = await nest.emailedCode(asked);
      return () => redeemLink(nest, { code });
    },
  },
  {
    path: `${V3}disown_session`,
    async prepare({ nest }, address) {
      const token = await disownToken(nest, address);
      return () => nest.call(`${V3}disown_session`, { token });
    },
  },
  {
    path: `${V3}send_magic_link`,
    prepare:
      async ({ nest }, address) =>
      () =>
        askForLink(nest, { identifier_value: address, device: machineOf(address) }),
  },
  {
    path: `${V3}send_otp`,
    kind: "by mail",
    prepare:
      async ({ nest }, address) =>
      () =>
        askForCode(nest, { identifier_type: "email", identifier_value: address }),
  },
  {
    path: `${V3}send_otp`,
    kind: "by SMS",
    async prepare({ nest }) {
      const number = newNumber();
      return () => askForCode(nest, { identifier_value: number });
    },
  },
  {
    path: `${V3}send_otp`,
    kind: "link",
    prepare:
      async ({ nest }, address) =>
      () =>
        askForCode(nest, {
          ...{ client_id: NATIVE, identifier_type: "email", identifier_value: address, delivery: "link" },
        }),
  },
  {
    path: `${V3}authenticate_user`,
    kind: "token of a link",
    async prepare({ nest }, address) {
      const token = await sentToken(nest, address);
      return () => redeemToken(nest, token);
    },
  },
  {
    path: `${V3}issue_token`,
    async prepare({ nest }, address) {
      const { user_id, client_id } = await signIn(nest, address);
      const asked = { client_id, user_id, device: { device_id: "d" } };
      return () => nest.call(`${V3}issue_token`, asked, { internal: true });
    },
  },
  ...PASSWORD_SCENARIOS,
  ...OAUTH_SCENARIOS,
  ...ACCOUNT_SCENARIOS,
  signedIn(`${V1}get_marketing_consent`, async (user_id, { nest }) => {
    await nest.call(`${V1}set_marketing_consent`, { user_id, level: "general" }, { internal: true });
    return { user_id };
  }),
  signedIn(`${V1}set_marketing_consent`, (user_id) => ({ user_id, level: "general" })),
  signedIn(`${V1}get_subscription_status`, async (user_id, proxied, address) => {
    await subscribed(proxied, address);
    return { user_id };
  }),
  signedIn(`${V1}list_news_items`, () => ({ client_id: WINDOWS })),
  {
    path: `${V1}enrol_alpha_user`,
    prepare:
      async ({ nest }, email) =>
      () =>
        nest.call(`${V1}enrol_alpha_user`, { email }, { internal: true }),
  },
  {
    path: `${V2}create_trial_and_magic_link`,
    prepare:
      async ({ nest }, address) =>
      () =>
        nest.call(`${V2}create_trial_and_magic_link`, request(address)),
  },
  signedIn(`${V2}get_subscription_status`, async (user_id, proxied, address) => {
    await subscribed(proxied, address);
    return { user_id };
  }),
  signedIn(`${V2}get_user`, (user_id) => ({ user_id })),
  signedIn(`${V3}get_user`, () => ({})),
  signedIn(`${V3}send_verification`, (_user_id, _proxied, address) => ({
    ...{ client_id: WINDOWS, identifier_type: "email", identifier_value: `second.${address}` },
    delivery: "link",
  })),
  signedIn(`${V3}check_verification`, async (_user_id, { nest }, address) => {
    const { proof } = await asked(nest, address, "link");
    return { client_id: WINDOWS, ...proof };
  }),
  { ...proves("link"), kind: "a link" },
  { ...proves("code"), kind: "a code" },
  signedIn(`${V3}set_primary_identifier`, async (_user_id, { nest }, address) => ({
    identifier_id: await added(nest, address),
  })),
  signedIn(`${V3}remove_identifier`, async (_user_id, { nest }, address) => ({
    identifier_id: await added(nest, address),
  })),
  {
    path: `${V3}authenticate_user`,
    kind: "a claimed address",
    async prepare({ nest }, address) {
      await nest.call(`${V2}create_trial_and_magic_link`, request(address));
      const found = await nest.collection("identifiers").findOne({ identifierValue: address });
      const device = { device_id: "stranger" };
      const claimed = { client_id: WINDOWS, user_id: found?.userId, device };
      await nest.call(`${V3}issue_token`, claimed, { internal: true });
      const sent = await sentCode(nest, { identifier_type: "email", identifier_value: address });
      return () => redeemCode(nest, sent);
    },
  },
  ...PEOPLE_SCENARIOS,
  asAdministrator(`${V3}update_user`, (user_id) => ({ user_id, name: "Ada", metadata: { team: "blue" } })),
  {
    ...asAdministrator(`${V3}update_user`, (user_id) => ({ user_id, status: "disabled" })),
    kind: "disables",
  },
  {
    ...asAdministrator(`${V3}update_user`, async (user_id, { nest }) => {
      await nest.call(`${V3}update_user`, { user_id, status: "disabled" }, { internal: true });
      return { user_id, status: "active" };
    }),
    kind: "enables",
  },
  asAdministrator(`${V3}list_users`, (_user_id, _proxied, address) => ({ query: address.slice(0, 5) })),
  asAdministrator(`${V3}get_billing_history`, (user_id) => ({ user_id })),
  asAdministrator(`${V3}get_sign_in_history`, (user_id) => ({ user_id })),
  asAdministrator(`${V3}list_roles`, () => ({})),
  asAdministrator(`${V3}set_role`, (_user_id, _proxied, address) => ({ ...ROLE, key: keyOf(address) })),
  {
    ...asAdministrator(`${V3}set_role`, async (_user_id, { nest }, address) => {
      await giveRole(nest, { key: keyOf(address) });
      return { ...ROLE, key: keyOf(address) };
    }),
    kind: "a known role",
  },
  asAdministrator(`${V3}delete_role`, async (_user_id, { nest }, address) => {
    await giveRole(nest, { key: keyOf(address) });
    return { scope: "platform", key: keyOf(address) };
  }),
  asAdministrator(`${V3}set_user_roles`, async (user_id, { nest }, address) => {
    await giveRole(nest, { key: keyOf(address) });
    return { user_id, roles: ["support", keyOf(address)] };
  }),
  {
    ...asAdministrator(`${V3}set_user_roles`, async (user_id, { nest }, address) => {
      await setRoles(nest, (await signIn(nest, `other.${address}`)).user_id, ["admin"]);
      await setRoles(nest, user_id, ["admin"]);
      return { user_id, roles: [] };
    }),
    kind: "an administrator less",
  },
  ...MFA_SCENARIOS,
  ...PASSKEY_SCENARIOS,
  ...WEBHOOK_SCENARIOS,
  signedIn(`${V2}list_sessions`, (user_id) => ({ user_id })),
  signedIn(`${V3}list_sessions`, () => ({ limit: 10 })),
  signedIn(`${V3}revoke_all_sessions`, async (_user_id, { nest }, address) => {
    await signIn(nest, address, { device: machineOf(`other ${address}`), client_id: WINDOWS });
    return {};
  }),
  signedIn(`${V3}revoke_session`, async (user_id, { nest }, address) => {
    await signIn(nest, address, { device: machineOf(`other ${address}`), client_id: WINDOWS });
    const listed = await nest.call(`${V3}list_sessions`, { user_id }, { internal: true });
    const other = listed.body.items.find(({ client_id }: { client_id: string }) => client_id === WINDOWS);
    return { session_id: other.id };
  }),
  {
    path: `${V3}authenticate_user`,
    kind: "version 2026-12-01",
    async prepare({ nest }, address) {
      await nest.requestLink({ identifier_value: address, device: machineOf(address) });
      const code = codeIn(nest.lastMail(address));
      return () => nest.call(`${V3}authenticate_user`, exchange(code));
    },
  },
  signedIn(`${V2}revoke_session`, async (user_id, { nest }, address) => {
    await signIn(nest, address, { device: machineOf(`other ${address}`), client_id: WINDOWS });
    const listed = await nest.call(`${V2}list_sessions`, { user_id }, { internal: true });
    const other = listed.body.find(({ client_id }: { client_id: string }) => client_id === WINDOWS);
    return { user_id, session_id: other.id };
  }),
  {
    path: `${V2}revoke_token`,
    async prepare({ nest }, address) {
      const { client_id, refresh_token } = await signIn(nest, address);
      return () => nest.call(`${V2}revoke_token`, { client_id, refresh_token });
    },
  },
  {
    path: `${V3}revoke_token`,
    kind: "version 2026-12-01",
    async prepare({ nest }, address) {
      const { client_id, refresh_token } = await signIn(nest, address);
      return () => nest.call(`${V3}revoke_token`, { client_id, refresh_token });
    },
  },
  {
    path: "/1/oauth/revoke",
    async prepare({ nest }, address) {
      const { client_id, access_token } = await signIn(nest, address);
      const form = new URLSearchParams({ client_id, token: access_token }).toString();
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return () => nest.call("/1/oauth/revoke", form, { headers });
    },
  },
  {
    path: `${V3}list_plans`,
    prepare:
      async ({ nest }) =>
      () =>
        nest.call(`${V3}list_plans`, { client_id: WINDOWS }),
  },
  signedIn(`${V3}create_checkout_session`, () => ({ plan: "pro", success_url: SUCCESS, cancel_url: CANCEL })),
  signedIn(`${V3}change_plan`, async (_user_id, proxied, address) => {
    await subscribed(proxied, address);
    return { plan: "pro" };
  }),
  signedIn(`${V3}get_subscription_status`, async (user_id, proxied, address) => {
    await subscribed(proxied, address);
    return { user_id };
  }),
  delivers(
    "a purchase",
    "customer.subscription.created",
    async ({ nest }, address) => void buys(nest, address),
  ),
  delivers("a second purchase", "customer.subscription.created", async (proxied, address) => {
    await subscribed(proxied, address);
    buys(proxied.nest, address);
  }),
  delivers("a changed subscription", "customer.subscription.updated", async (proxied, address) => {
    const { id } = await subscribed(proxied, address);
    proxied.nest.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
  }),
  delivers("an ended subscription", "customer.subscription.deleted", async (proxied, address) => {
    const { id } = await subscribed(proxied, address);
    proxied.nest.stripe.cancelSubscription(id);
  }),
  delivers("a trial that ends soon", "customer.subscription.trial_will_end", async (proxied, address) => {
    const { id } = await subscribed(proxied, address, { trialDays: 14 });
    const trial = proxied.nest.stripe.subscriptions().find((one) => one.id === id);
    proxied.nest.stripe.emit("customer.subscription.trial_will_end", trial ?? {});
  }),
  delivers("a dispute", "charge.dispute.created", async (proxied, address) => {
    const { id } = await subscribed(proxied, address);
    proxied.nest.stripe.dispute(id);
  }),
  delivers(
    "a late payment for a rejected subscription",
    "payment_intent.succeeded",
    async (proxied, address) => {
      await subscribed(proxied, address);
      const { id } = await subscribed(proxied, address, { card: { processes: true } });
      proxied.nest.stripe.settlePayment(id, "succeeded");
    },
  ),
  {
    path: "ses_events",
    async prepare({ nest, sesEvent }, address) {
      const event = {
        id: `event of ${address}`,
        time: nest.clock.now().toISOString(),
        detail: {
          eventType: "Bounce",
          mail: { messageId: "m1", destination: [address] },
          bounce: { bounceType: "Permanent", bouncedRecipients: [{ emailAddress: address }] },
        },
      };
      return () => sesEvent(event);
    },
  },
];

/** Name of a scenario in the table of results. */
export function nameOf({ path, kind }: Scenario): string {
  const name = path.includes("/webhook/") ? "webhook" : path.split("/").at(-1);
  const [, , version] = path.split("/");
  const isOther = !path.startsWith(V2) && SCENARIOS.some((one) => one.path === `${V2}${name}`);
  const what = kind ?? (isOther ? `version ${version}` : undefined);
  return what === undefined ? `${name}` : `${name}: ${what}`;
}
