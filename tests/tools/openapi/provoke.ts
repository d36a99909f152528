import app from "#app";
import { type App, type Client, OPTIONAL_GRANTS, type Plan, type StripePrice } from "#core/app/app.ts";
import { CAPTCHA_METHODS } from "#core/app/captcha_settings.ts";
import type { ErrorCode } from "#core/errors.ts";
import { ROLES_LIMIT } from "#core/roles/change_roles.ts";
import { WEBHOOKS_LIMIT } from "#core/webhooks/change_webhooks.ts";
import { appWithClients } from "#tests/support/app.ts";
import { PHONE, sentCode } from "#tests/support/codes.ts";
import { askToVerify, email, sentSecret, verify } from "#tests/support/identifiers.ts";
import {
  type CallOptions,
  linkRequest,
  MAC,
  NATIVE,
  NOWHERE,
  type Reply,
  SIMPLE,
  startNest,
  type TestNest,
  type Tokens,
  V1,
  V2,
} from "#tests/support/nest.ts";
import { givePassword, register } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";
import { disownToken } from "#tests/support/user_codes.ts";
import { addWebhook, sendTest } from "#tests/support/webhooks.ts";
import {
  ACCOUNT_METHODS,
  ACCOUNT_PROVOCATIONS,
  readyForAccounts,
} from "#tests/tools/openapi/provoke_accounts.ts";
import { MFA_METHODS, MFA_PROVOCATIONS, readyFactor, readyForMfa } from "#tests/tools/openapi/provoke_mfa.ts";
import { OAUTH_METHODS, OAUTH_PROVOCATIONS, readyForOAuth } from "#tests/tools/openapi/provoke_oauth.ts";
import { PASSKEY_PROVOCATIONS, readyCeremony, readyPasskey } from "#tests/tools/openapi/provoke_passkeys.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";
import type { DocumentedForm } from "#tools/openapi/read.ts";

type Body = Record<string, unknown>;

/**
 * Instances of Nest that provoke errors. They share one database and one set of keys, except for the defect of each.
 */
export interface Nests {
  good: TestNest;
  /** Its database rejects every command. */
  broken: TestNest;
  /** Its database is unreachable. */
  lost: TestNest;
  /** Its rate limits allow one link, one code and one failure. */
  strict: TestNest;
  stop(): Promise<void>;
}

export async function startNests(): Promise<Nests> {
  const good = await startNest();
  const uri = new URL(good.mongoUri.replace(/^mongodb/, "http"));
  const variant = (change: (url: URL) => void): string => {
    const changed = new URL(uri);
    change(changed);
    return changed.href.replace(/^http/, "mongodb");
  };
  const beside = (environment: Record<string, string>) => startNest({ beside: good, environment });
  const broken = await beside({
    // Longer than any server accepts.
    MONGODB_URI: variant((url) => {
      url.pathname = `/${"n".repeat(100)}`;
    }),
  });
  const lost = await beside({
    MONGODB_URI: variant((url) => {
      url.host = "127.0.0.1:1";
      url.searchParams.set("serverSelectionTimeoutMS", "200");
    }),
  });
  const strict = await beside({
    LIMIT_LINKS_PER_ADDRESS_AND_NETWORK: "1",
    LIMIT_FAILURES_PER_NETWORK: "1",
    LIMIT_PASSKEY_CHALLENGES_PER_NETWORK: "1",
    LIMIT_CODES_PER_IDENTIFIER: "1",
    LIMIT_REGISTRATIONS_PER_NETWORK: "1",
    LIMIT_VERIFICATION_FAILURES_PER_NETWORK: "1",
    LIMIT_PASSWORD_FAILURES_PER_IDENTIFIER_AND_NETWORK: "1",
    LIMIT_ADDED_USERS_PER_ACCOUNT: "1",
    LIMIT_OAUTH_VISITS_PER_NETWORK: "1",
  });
  return {
    good,
    broken,
    lost,
    strict,
    async stop() {
      for (const nest of [broken, lost, strict, good]) await nest.stop();
    },
  };
}

let users = 0;
let numbers = 0;
/** A phone number of Singapore that no other call uses. */
const newNumber = () => `+65${91_234_567 + numbers++}`;

/** Methods whose example has a secret of a message to a user's new address. */
const PROVING = ["check_verification", "verify_identifier"];

/** Sends a documented example. Replaces sample values that must exist, such as a code, by real ones. */
export class Asker {
  readonly nests: Nests;
  readonly form: DocumentedForm;
  constructor(nests: Nests, form: DocumentedForm) {
    this.nests = nests;
    this.form = form;
  }

  get path(): string {
    return this.form.paths[0] ?? "";
  }

  /** The example with real values, and the credential that the document requires. */
  async ready(example: unknown): Promise<{ body: Body; options: CallOptions; address: string }> {
    const { good } = this.nests;
    const address = `person${++users}@example.com`;
    const body = { ...(example as Body) };
    if (this.form.name === "create_user")
      return {
        body: { ...body, identifier_value: address, account_id: undefined },
        address,
        options: { internal: true },
      };
    if (this.form.name === "create_passkey_challenge") return readyCeremony(body);
    if (MFA_METHODS.includes(this.form.name)) return readyForMfa(good, this.form.name, body);
    if (OAUTH_METHODS.includes(this.form.name)) return readyForOAuth(good, this.form.name, body);
    const security = this.form.operation.security.flatMap((scheme) => Object.keys(scheme));
    const needsUser = security.includes("bearer") || "refresh_token" in body || "user_id" in body;
    const tokens = needsUser ? await good.signIn(address) : null;
    if ("user_id" in body) body.user_id = tokens?.user_id;
    if ("refresh_token" in body) body.refresh_token = tokens?.refresh_token ?? "";
    if ("identifier_id" in body || PROVING.includes(this.form.name))
      await this.#ownIdentifier(body, tokens ?? (await good.signIn(address)));
    else if ("nonce" in body) Object.assign(body, await sentCode(good, { identifier_value: newNumber() }));
    else if ("code" in body) body.code = await good.emailedCode({ identifier_value: address });
    if (this.form.name === "disown_session") body.token = await disownToken(good, address);
    if ("session_id" in body) body.session_id = await this.#ownSession(tokens?.user_id ?? "");
    const isPhone = body.identifier_type === "phone";
    if ("identifier_value" in body) body.identifier_value = isPhone ? newNumber() : address;
    if (PASSWORD_METHODS.includes(this.form.name)) await this.#readyForPasswords(body, address);
    if (this.form.name === "set_password")
      return { body, address, options: await withPassword(this, body.current_password) };
    if (this.form.name === "send_verification") body.identifier_value = `person${++users}@example.com`;
    if (this.form.name === "authenticate_user" && "password" in body) {
      body.client_id = NATIVE;
      await givePassword(good, address, String(body.password));
    }
    if ("mfa_token" in body && this.form.name === "authenticate_user")
      Object.assign(body, await readyFactor(good));
    if ("challenge_id" in body) Object.assign(body, await readyPasskey(good));
    if ("device" in body && !("device_id" in (body.device as Body)))
      body.device = { platform: "mac", beak_id: address, fingerprint: address };
    if (ACCOUNT_METHODS.includes(this.form.name)) return readyForAccounts(good, this.form.name, body);
    if (this.form.name === "get_user") body.account_id = undefined;
    // The cursor of the example is of the example's user.
    if (this.form.name === "list_audit_logs") body.cursor = undefined;
    if (["delete_user", "update_user", ...SUPPORT_METHODS].includes(this.form.name))
      return { body, address, options: { internal: true } };
    if (ROLE_METHODS.includes(this.form.name)) {
      await this.#readyForRoles(body);
      return { body, address, options: { internal: true } };
    }
    if (WEBHOOK_METHODS.includes(this.form.name)) {
      await this.#readyForWebhooks(body);
      return { body, address, options: { internal: true } };
    }
    if (security.includes("bearer"))
      return { body, address, options: { bearer: tokens?.access_token ?? "" } };
    return { body, address, options: security.includes("internal") ? { internal: true } : {} };
  }

  /** The example of a method that concerns roles, with a role of its own. */
  async #readyForRoles(body: Body): Promise<void> {
    const { name } = this.form;
    if (name === "list_users" || name === "list_roles" || name === "set_user_roles") return;
    const key = `role_${++users}`;
    body.key = key;
    if (name === "delete_role") await giveRole(this.nests.good, { key });
  }

  /** The example of a method that concerns webhooks, with a webhook and a delivery of its own. */
  async #readyForWebhooks(body: Body): Promise<void> {
    const { good } = this.nests;
    if ("url" in body) body.url = `http://${NOWHERE}/`;
    if ("client_ids" in body) body.client_ids = [];
    delete body.cursor;
    // Examples must not use up the 20 webhooks of an app.
    await good.collection("webhooks").deleteMany({});
    if (!("webhook_id" in body || "delivery_id" in body)) return;
    const { id } = await addWebhook(good, { url: `http://${NOWHERE}/` });
    if ("webhook_id" in body) body.webhook_id = id;
    if ("delivery_id" in body) body.delivery_id = await sendTest(good, id);
  }

  /** The example of a method that concerns passwords, for a client that may ask for them, and with what the method needs. */
  async #readyForPasswords(body: Body, address: string): Promise<void> {
    const { good } = this.nests;
    body.client_id = SIMPLE;
    if ("phone_number" in body) body.phone_number = newNumber();
    if (this.form.name === "register_user") return;
    const identified = { identifier_type: "email", identifier_value: address };
    await register(good, identified);
    if (this.form.name !== "reset_password") return;
    const order = { client_id: SIMPLE, ...identified };
    const created = await good.call(`${V3}create_password_reset`, order, { internal: true });
    const { token, nonce, code } = created.body;
    Object.assign(body, { token, nonce, code });
  }

  /** Puts the id of an identifier of the user, or the secret of a message to a new one, in place of a sample. */
  async #ownIdentifier(body: Body, tokens: Tokens): Promise<void> {
    const { good } = this.nests;
    const asked = email(`person${++users}@example.com`);
    const sent = await sentSecret(good, tokens, { ...asked, delivery: "token" in body ? "link" : "code" });
    if (!("identifier_id" in body)) return void Object.assign(body, sent.proof);
    await verify(good, sent.proof);
    body.identifier_id = sent.identifier_id;
  }

  async #ownSession(user_id: string): Promise<string> {
    const { body } = await this.nests.good.call(`${V2}list_sessions`, { user_id }, { internal: true });
    return body[0].id;
  }

  /**
   * Sends an example of the method with real values.
   * @param change fields to replace afterwards
   * @param options replace the documented credential
   * @param which the index of the example
   */
  async send(
    change: Body = {},
    options: CallOptions = {},
    which = 0,
    nest = this.nests.good,
  ): Promise<Reply> {
    const example = Object.values(this.form.requestExamples)[which]?.value;
    const ready = await this.ready(example);
    return nest.call(this.path, { ...ready.body, ...change }, { ...ready.options, ...options });
  }

  /** A new access token. The database of another instance may not know it. */
  async bearer(): Promise<CallOptions> {
    const { access_token } = await this.nests.good.signIn(`person${++users}@example.com`);
    return { bearer: access_token, internal: false };
  }

  /** A new access token of a user with a subscription. */
  async subscriber(status: "active" | "ending" | "past_due"): Promise<CallOptions> {
    const { good } = this.nests;
    const email = `person${++users}@example.com`;
    const { access_token } = await good.signIn(email);
    const { id } = good.stripe.createSubscription({ email, status: status === "ending" ? "active" : status });
    if (status === "ending") good.stripe.cancelSubscription(id, { isAtPeriodEnd: true });
    await good.deliverEvents();
    return { bearer: access_token, internal: false };
  }
}

/** The methods whose examples need a client that may ask for passwords. */
const PASSWORD_METHODS = ["register_user", "send_password_reset", "create_password_reset", "reset_password"];

/** The methods that need the capability `roles.manage`. The asker calls them with an internal key. */
const ROLE_METHODS = ["list_users", "list_roles", "set_role", "delete_role", "set_user_roles"];
/** The methods for support staff. The asker calls them with an internal key. */
const SUPPORT_METHODS = ["get_billing_history", "get_sign_in_history", "list_audit_logs"];

/** The methods that need the capability `webhooks.manage`. The asker calls them with an internal key. */
const WEBHOOK_METHODS = [
  ...["list_webhooks", "create_webhook", "update_webhook", "delete_webhook", "rotate_webhook_secret"],
  ...["send_test_webhook", "list_webhook_deliveries", "retry_webhook_delivery"],
];

/** The access token of a new user with the password of the example. */
async function withPassword({ nests: { good } }: Asker, current_password: unknown): Promise<CallOptions> {
  const registered = await register(good, {
    ...{ identifier_value: `person${++users}@example.com`, password: current_password },
  });
  return { bearer: registered.body.access_token };
}

/** A caller with `users.write` writes about a user whose roles allow more. */
const actsAboveRights =
  (capability: string) =>
  async (asker: Asker): Promise<Reply> => {
    const { good } = asker.nests;
    const actor = await good.signIn(`person${++users}@example.com`);
    const other = await good.signIn(`person${++users}@example.com`);
    await giveRole(good, { key: `actor_${users}`, user_id: actor.user_id, capabilities: [capability] });
    await setRoles(good, other.user_id, ["support"]);
    return asker.send({ user_id: other.user_id }, { bearer: actor.access_token, internal: false });
  };

type Way = (asker: Asker) => Promise<Reply>;
/** The index of the example with the refresh token, of that with a code from an SMS, and of that with a password. */
const REFRESH = 1;
const OTP = 2;
const PASSWORD = 3;
const unknownUser = { user_id: "user_nobody" };
const internal: CallOptions = { internal: true };

/** The first example of the method. */
const exampleOf = (asker: Asker) => Object.values(asker.form.requestExamples)[0]?.value as Body;

/** Makes a call twice and returns the second response. */
async function twice(call: () => Promise<Reply>): Promise<Reply> {
  await call();
  return call();
}

/** A price that Stripe does not have, of the product of the app's first plan. */
const GONE = { ...app.plans[0]?.prices.local, priceId: "price_gone" } as StripePrice;

/** The app with a second plan, to which the example's plan is changed. */
const withPlan = (change: Partial<Plan>): App => ({
  ...app,
  plans: app.plans.flatMap((plan) => [plan, { ...plan, id: "other", trialDays: null, ...change }]),
});

/** Orders the plan `other` from a Nest with another app, as a user with an active subscription. */
async function sendTo(asker: Asker, options: { app: App }): Promise<Reply> {
  const other = await startNest({ beside: asker.nests.good, ...options });
  try {
    return await asker.send({ plan: "other" }, await asker.subscriber("active"), 0, other);
  } finally {
    await other.stop();
  }
}

/** Sends an example to a client that requires a CAPTCHA, in an app whose vendor can't be asked. */
async function withCaptcha(asker: Asker, captcha_token: string | undefined): Promise<Reply> {
  const captcha = {
    provider: "turnstile" as const,
    hostnames: ["app.example"],
    requiredFor: CAPTCHA_METHODS,
  };
  const isSignIn = asker.form.name === "authenticate_user";
  const id = isSignIn || PASSWORD_METHODS.includes(asker.form.name) ? SIMPLE : MAC;
  const client = { id, grants: OPTIONAL_GRANTS, phoneCountries: ["SG" as const], captcha };
  const password = {
    ...{ client_id: id, grant_type: "password", identifier_type: "email" },
    ...{ identifier_value: "ada@example.com", password: "correct horse battery staple" },
  };
  const other = await startNest({ beside: asker.nests.good, app: appWithClients(client) });
  // Passwords need a CAPTCHA from the fourth attempt.
  for (let wrong = 0; isSignIn && wrong < 3; wrong++)
    await asker.send({ ...password, password: "wrong" }, {}, 0, other);
  const reply = await asker.send({ ...(isSignIn && password), captcha_token }, {}, 0, other);
  await other.stop();
  return reply;
}

const MAILED = { identifier_type: "email", identifier_value: "ada@example.com" };
const FRENCH = { identifier_type: "phone", identifier_value: "+33612345678" };

/** Requests a link with a mail of the internal caller's own. */
const sendLinkAs = (asker: Asker, email: object): Promise<Reply> =>
  asker.send({ ...MAILED, client_id: NATIVE, delivery: "link", email }, internal);

/** Sends an example to a Nest whose client `SIMPLE` is changed. */
async function sendToClient(asker: Asker, change: Partial<Client>): Promise<Reply> {
  const sampled = withSampleClients(app);
  const clients = sampled.clients.map((client) => (client.id === SIMPLE ? { ...client, ...change } : client));
  const other = await startNest({ beside: asker.nests.good, app: { ...sampled, clients } });
  const reply = await asker.send({}, {}, 0, other);
  await other.stop();
  return reply;
}

async function sendAs(asker: Asker, status: "active" | "ending" | "past_due"): Promise<Reply> {
  return asker.send({}, await asker.subscriber(status));
}

const UNKNOWN = "0".repeat(64);

/** The token of a user who signed in long ago. */
async function longSignedIn({ nests: { good } }: Asker): Promise<CallOptions> {
  const { user_id, access_token: bearer } = await good.signIn(`person${++users}@example.com`);
  const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
  await good.collection("sessions").updateMany({ userId: user_id }, longAgo);
  return { bearer };
}

/** Methods that need a capability, and no fresh sign-in. */
const NEEDING_A_RIGHT = [
  ...[
    "create_user",
    "get_billing_history",
    "get_sign_in_history",
    "get_user",
    "list_audit_logs",
    "list_users",
  ],
  ...["list_mfa_factors", "list_oauth_identities", "list_sessions", "update_user"],
  ...["delete_role", "list_roles", "set_role", "set_user_roles"],
  ...["create_webhook", "delete_webhook", "list_webhook_deliveries", "list_webhooks"],
  ...["retry_webhook_delivery", "send_test_webhook", "update_webhook"],
];
/** Those of them that users may call about themselves. */
const ABOUT_ONESELF = [
  ...["get_user", "list_mfa_factors", "list_oauth_identities", "list_sessions", "update_user"],
];

/** Calls a method as an administrator without the second factor that the client requires of administrators. */
async function withoutSecondFactor(asker: Asker): Promise<Reply> {
  const { good } = asker.nests;
  const { user_id, access_token: bearer } = await good.signIn(`person${++users}@example.com`);
  await setRoles(good, user_id, ["admin"]);
  const mfa = { policy: "required_for_roles", factors: ["totp"] } as const;
  const app = appWithClients({ id: MAC, grants: ["mfa"], mfa });
  const other = await startNest({ beside: good, app });
  const { name } = asker.form;
  const named = ABOUT_ONESELF.includes(name) ? { user_id: "user_other" } : {};
  const body = name === "list_audit_logs" ? {} : { ...exampleOf(asker), account_id: undefined, ...named };
  try {
    return await other.call(asker.path, body, { bearer });
  } finally {
    await other.stop();
  }
}

/** How to provoke an error, by its code, or by `<method>:<code>` if a method needs another way. */
export const WAYS: Readonly<Partial<Record<ErrorCode | `${string}:${ErrorCode}`, Way>>> = {
  validation_failed: (asker) => asker.send({ zig: 1 }),
  body_missing: ({ nests, path }) => nests.good.call(path),
  malformed_json: ({ nests, path }) => nests.good.call(path, "{oops"),
  body_too_large: ({ nests, path }) => nests.good.call(path, "x".repeat(64 * 1024 + 1)),
  unauthorized: (asker) => asker.send({}, { bearer: "junk", internal: false }),
  access_denied: (asker) => asker.send({}, { headers: { authorization: "internal wrong" } }),
  unknown: async (asker) => asker.send({}, await asker.bearer(), 0, asker.nests.broken),
  unavailable: async (asker) => asker.send({}, await asker.bearer(), 0, asker.nests.lost),

  client_not_found: (asker) => asker.send({ client_id: "client_none" }),
  invalid_redirect_uri: (asker) => asker.send({ redirect_uri: "https://elsewhere.example/" }),
  invalid_email: (asker) => asker.send({ identifier_value: "foo" }),
  rate_limited: (asker) =>
    twice(() => asker.send({ identifier_value: "often@example.com" }, {}, 0, asker.nests.strict)),
  email_not_sent: (asker) => {
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return asker.send();
  },
  stripe_error: async (asker) => {
    asker.nests.good.stripe.fault({ calls: 1, kind: "error" });
    return asker.send();
  },
  already_subscribed: async ({ nests: { good }, path }) => {
    good.stripe.createSubscription({ email: "rich@example.com" });
    await good.deliverEvents();
    return good.call(path, linkRequest({ identifier_value: "rich@example.com" }));
  },
  trial_already_used: async (asker) => {
    const device = { platform: "mac", beak_id: "used", fingerprint: "used" };
    await asker.send({ device });
    return asker.send({ device });
  },

  "authenticate_user:code_missing": (asker) => asker.send({ code: undefined }),
  "authenticate_user:code_verifier_missing": (asker) => asker.send({ code_verifier: undefined }),
  "authenticate_user:redirect_uri_missing": (asker) => asker.send({ redirect_uri: undefined }),
  "authenticate_user:refresh_token_missing": (asker) => asker.send({ refresh_token: undefined }, {}, REFRESH),
  "authenticate_user:malformed_code": (asker) => asker.send({ code: "abc" }),
  cookies_not_enabled: (asker) => asker.send({ set_cookie: true }),
  "revoke_token:malformed_refresh_token": async (asker) => {
    const origin = "https://app.example";
    const cookies = { enabled: true, default: false };
    const app = appWithClients({ id: MAC, origins: [origin], cookies });
    const other = await startNest({ beside: asker.nests.good, app });
    const headers = { origin, cookie: "__Secure-nest_refresh=a; __Secure-nest_refresh=b" };
    const reply = await asker.send({ refresh_token: undefined }, { headers }, 0, other);
    await other.stop();
    return reply;
  },
  "authenticate_user:malformed_refresh_token": (asker) => asker.send({ refresh_token: "a.b" }, {}, REFRESH),
  "authenticate_user:not_found": (asker) => asker.send({ code: "authzcode_nobody.0" }),
  "authenticate_user:incorrect_client": (asker) =>
    asker.send({ client_id: "client_000000CAixkP7YVb0cH1zvNfE5mYi" }),
  "authenticate_user:incorrect_redirect_uri": (asker) =>
    asker.send({ redirect_uri: "https://magic.getbeak.app/callback" }),
  "authenticate_user:incorrect_code_verifier": (asker) => asker.send({ code_verifier: "wrong" }),
  "authenticate_user:token_not_found": async (asker) => {
    const code = await asker.nests.good.emailedCode();
    return asker.send({ code: `${code.split(".")[0]}.${"0".repeat(64)}` });
  },
  "authenticate_user:token_used": async (asker) => {
    const code = await asker.nests.good.emailedCode();
    return twice(() => asker.send({ code }));
  },
  "authenticate_user:token_expired": async (asker) => {
    const code = await asker.nests.good.emailedCode();
    asker.nests.good.clock.advance(20 * 60);
    return asker.send({ code });
  },
  "authenticate_user:authorization_not_found": async (asker) => {
    const { client_id, refresh_token } = await asker.nests.good.signIn();
    await asker.nests.good.call(`${V2}revoke_token`, { client_id, refresh_token });
    return asker.send({ refresh_token }, {}, REFRESH);
  },
  // The user signed in while the client was enabled.
  "authenticate_user:client_not_found": async (asker) => {
    const { refresh_token, client_id } = await asker.nests.good.signIn();
    const app = appWithClients({ id: "client_other" });
    const without = await startNest({ beside: asker.nests.good, app });
    const reply = await without.call(`${V1}authenticate_user`, {
      client_id,
      grant_type: "refresh_token",
      refresh_token,
    });
    await without.stop();
    return reply;
  },
  "authenticate_user:rate_limited": (asker) =>
    twice(() => asker.send({ code: "authzcode_nobody.0" }, {}, 0, asker.nests.strict)),

  invalid_checkout_url: (asker) => asker.send({ success_url: "https://elsewhere.example/" }),
  plan_not_found: (asker) => asker.send({ plan: "none" }),
  plan_ended: (asker) => sendTo(asker, { app: withPlan({ isOffered: false }) }),
  price_not_found: (asker) => sendTo(asker, { app: withPlan({ prices: { local: GONE } }) }),
  payment_required: (asker) => sendAs(asker, "past_due"),
  checkout_required: (asker) => asker.send(),
  subscription_ending: (asker) => sendAs(asker, "ending"),
  "create_checkout_session:already_subscribed": (asker) => sendAs(asker, "active"),
  "create_checkout_session:rate_limited": async (asker) => {
    const options = await asker.bearer();
    for (let count = 0; count < 20; count++)
      await asker.send({ cancel_url: `http://localhost:3000/?${count}` }, options);
    return asker.send({}, options);
  },
  "change_plan:stripe_error": async (asker) => {
    const options = await asker.subscriber("active");
    asker.nests.good.stripe.fault({ calls: 1, kind: "error" });
    return asker.send({}, options);
  },

  identifier_not_found: (asker) => asker.send({ identifier_id: "userident_none" }),
  "send_verification:identifier_not_found": (asker) =>
    asker.send({
      ...{ identifier_id: "userident_none", identifier_type: undefined, identifier_value: undefined },
    }),
  already_verified: async (asker) => {
    const { good } = asker.nests;
    const address = `person${++users}@example.com`;
    const { access_token: bearer } = await good.signIn(address);
    return asker.send({ identifier_value: address }, { bearer });
  },
  identifier_not_verified: async (asker) => {
    const { good } = asker.nests;
    const tokens = await good.signIn(`person${++users}@example.com`);
    const { identifier_id } = await sentSecret(good, tokens, email(`person${++users}@example.com`));
    return asker.send({ identifier_id }, { bearer: tokens.access_token });
  },
  "send_verification:identifier_not_verified": async (asker) => {
    const registered = await register(asker.nests.good, { identifier_value: `person${++users}@example.com` });
    const asked = { identifier_value: `person${++users}@example.com` };
    return asker.send(asked, { bearer: registered.body.access_token });
  },
  last_sign_in_method: async (asker) => {
    const { good } = asker.nests;
    const { access_token: bearer, user_id } = await good.signIn(`person${++users}@example.com`);
    const only = await good.collection("identifiers").findOne({ userId: user_id });
    return asker.send({ identifier_id: only?._id }, { bearer });
  },
  "check_verification:verification_not_found": (asker) => asker.send({ token: UNKNOWN }),
  "verify_identifier:verification_not_found": (asker) => asker.send({ nonce: UNKNOWN }),
  "check_verification:rate_limited": (asker) =>
    twice(() => asker.send({ token: UNKNOWN }, {}, 0, asker.nests.strict)),
  "verify_identifier:rate_limited": (asker) =>
    twice(() => asker.send({ nonce: UNKNOWN }, {}, 0, asker.nests.strict)),
  "send_verification:rate_limited": async (asker) => {
    const options = await asker.bearer();
    const asked = { identifier_value: "often.added@example.com" };
    return twice(() => asker.send(asked, options, 0, asker.nests.strict));
  },
  "get_sign_in_history:invalid_email": (asker) => asker.send({ user_id: undefined, address: "no@domain" }),
  "send_verification:invalid_identifier": (asker) => asker.send({ identifier_value: "foo" }),
  "send_verification:country_not_allowed": (asker) =>
    asker.send({ identifier_type: "phone", identifier_value: "+33612345678" }),
  "send_verification:delivery_failed": async ({ nests: { good } }) => {
    const tokens = await good.signIn(`person${++users}@example.com`);
    good.ses.fault({ calls: 1, kind: "error" });
    return askToVerify(good, tokens, email(`person${++users}@example.com`));
  },
  "send_verification:reauthentication_required": async (asker) => asker.send({}, await longSignedIn(asker)),
  "remove_identifier:reauthentication_required": async (asker) => asker.send({}, await longSignedIn(asker)),
  "set_primary_identifier:reauthentication_required": async (asker) =>
    asker.send({}, await longSignedIn(asker)),

  ...ACCOUNT_PROVOCATIONS,
  ...MFA_PROVOCATIONS,
  ...OAUTH_PROVOCATIONS,
  ...PASSKEY_PROVOCATIONS,
  "get_user:user_not_found": (asker) => asker.send(unknownUser, internal),
  "update_user:user_not_found": (asker) => asker.send(unknownUser, internal),
  "update_user:last_admin": async (asker) => {
    const { good } = asker.nests;
    const { user_id } = await good.signIn(`person${++users}@example.com`);
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    await setRoles(good, user_id, ["admin"]);
    const reply = await asker.send({ user_id, status: "disabled" }, internal);
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    return reply;
  },
  "update_user:capability_escalation": actsAboveRights("users.write"),
  "delete_user:capability_escalation": actsAboveRights("users.write"),
  "revoke_session:capability_escalation": actsAboveRights("sessions.manage"),
  "revoke_all_sessions:capability_escalation": actsAboveRights("sessions.manage"),
  "delete_user:user_not_found": (asker) => asker.send(unknownUser, internal),
  "delete_user:last_admin": async (asker) => {
    const { good } = asker.nests;
    const { user_id } = await good.signIn(`person${++users}@example.com`);
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    await setRoles(good, user_id, ["admin"]);
    const reply = await asker.send({ user_id });
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    return reply;
  },
  "delete_user:stripe_error": async (asker) => {
    const { good } = asker.nests;
    const { user_id } = await good.signIn(`person${++users}@example.com`);
    const began = { _id: user_id.replace("user_", "checkout_") as never, userId: user_id };
    await good.collection("checkouts").insertOne(began);
    const customer = { _id: `provmap_${users}` as never, userId: user_id, removedAt: null };
    const mapping = { ...customer, providerType: "stripe", providerValue: "cus_of_deleted" };
    await good.collection("provider-mappings").insertOne(mapping);
    good.stripe.fault({ calls: 1, kind: "error" });
    return asker.send({ user_id });
  },
  active_subscription: async (asker) => {
    const { good } = asker.nests;
    const email = `person${++users}@example.com`;
    const { user_id } = await good.signIn(email);
    good.stripe.createSubscription({ email });
    await good.deliverEvents();
    return asker.send({ user_id });
  },
  cannot_disable_self: async (asker) => {
    const { good } = asker.nests;
    const { user_id, access_token: bearer } = await good.signIn(`person${++users}@example.com`);
    await giveRole(good, { key: `self_${users}`, user_id, capabilities: ["users.write"] });
    return asker.send({ user_id, status: "disabled" }, { bearer, internal: false });
  },
  unknown_event: (asker) => asker.send({ events: ["user.sign_in_failed"] }),
  webhook_url_not_allowed: (asker) => asker.send({ url: "https://10.0.0.1/" }),
  webhook_not_found: (asker) => asker.send({ webhook_id: "webhook_none" }),
  delivery_not_found: (asker) => asker.send({ delivery_id: "whdel_none" }),
  "create_webhook:client_not_found": (asker) => asker.send({ client_ids: ["client_none"] }),
  "update_webhook:client_not_found": (asker) => asker.send({ client_ids: ["client_none"] }),
  too_many_webhooks: async (asker) => {
    const { good } = asker.nests;
    const { body } = await asker.ready(exampleOf(asker));
    for (let count = 0; count < WEBHOOKS_LIMIT; count++) await addWebhook(good, { url: String(body.url) });
    return good.call(asker.path, body, { internal: true });
  },
  webhook_disabled: async (asker) => {
    const { good } = asker.nests;
    const { body } = await asker.ready(exampleOf(asker));
    await good.collection("webhooks").updateMany({}, { $set: { enabled: false } });
    return good.call(asker.path, body, { internal: true });
  },
  "rotate_webhook_secret:reauthentication_required": async (asker) => {
    const { good } = asker.nests;
    const { user_id, access_token: bearer } = await good.signIn(`person${++users}@example.com`);
    await giveRole(good, { key: `hooks_${users}`, user_id, capabilities: ["webhooks.manage"] });
    await good
      .collection("sessions")
      .updateMany({ userId: user_id }, { $set: { authTime: "2026-01-01T00:00:00.000Z" } });
    return asker.send({}, { bearer, internal: false });
  },
  unknown_capability: (asker) => asker.send({ capabilities: ["account.manage"] }),
  role_built_in: (asker) => asker.send({ key: "admin" }),
  role_not_found: (asker) => asker.send({ key: "nothing" }),
  "set_user_roles:role_not_found": (asker) => asker.send({ roles: ["nothing"] }),
  "set_user_roles:identifier_not_verified": async (asker) => {
    const registered = await register(asker.nests.good, { identifier_value: `person${++users}@example.com` });
    return asker.send({ user_id: registered.body.user_id, roles: ["support"] });
  },
  "list_users:role_not_found": (asker) => asker.send({ role: "nothing", cursor: undefined }),
  role_in_use: async (asker) => {
    const { user_id } = await asker.nests.good.signIn(`person${++users}@example.com`);
    await giveRole(asker.nests.good, { key: "in_use", user_id });
    return asker.send({ key: "in_use" });
  },
  too_many_roles: async (asker) => {
    const own = Array.from({ length: ROLES_LIMIT }, (_, each) => ({
      ...{ _id: `role_full${each}`, scope: "account", key: `full${each}`, name: "Full", level: 1 },
      ...{
        capabilities: [],
        createdAt: "2026-01-01T00:00:00.000Z",
        updatedAt: null,
        deletedAt: null,
        grants: 0,
      },
    }));
    const roles = asker.nests.good.collection("roles");
    await roles.insertMany(own as never[]);
    const reply = await asker.send({ scope: "account", key: "one_more", capabilities: [] });
    await roles.deleteMany({ name: "Full" });
    return reply;
  },
  last_admin: async (asker) => {
    const { good } = asker.nests;
    const { user_id } = await good.signIn(`person${++users}@example.com`);
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    await setRoles(good, user_id, ["admin"]);
    const reply = await asker.send({ user_id, roles: [] });
    await good.collection("users").updateMany({ roles: "admin" }, { $unset: { roles: "" } });
    return reply;
  },
  capability_escalation: async (asker) => {
    const { good } = asker.nests;
    const { user_id, access_token } = await good.signIn(`person${++users}@example.com`);
    const key = `manager_${users}`;
    await giveRole(good, { key, user_id, level: 10, capabilities: ["roles.manage"] });
    await giveRole(good, { key: `higher_${users}`, level: 11, capabilities: [] });
    const change = { level: 11, key: `higher_${users}`, roles: ["admin"] };
    const own = Object.entries(change).filter(([name]) => name in exampleOf(asker));
    return asker.send(Object.fromEntries(own), { bearer: access_token, internal: false });
  },

  session_not_found: (asker) => asker.send({ session_id: "session_none" }),
  reauthentication_required: async (asker) => {
    if (NEEDING_A_RIGHT.includes(asker.form.name)) return withoutSecondFactor(asker);
    const other = asker.form.name === "revoke_session" ? { session_id: "session_other" } : {};
    return asker.nests.good.call(asker.path, other, await longSignedIn(asker));
  },
  not_found: (asker) => asker.send(unknownUser, internal),
  "revoke_session:not_found": (asker) => asker.send({ session_id: "session_none" }),
  awaiting_consent: (asker) => asker.send(),
  no_active_subscription: (asker) => asker.send(),
  deprecated: (asker) => asker.send(),

  invalid_identifier: (asker) => asker.send({ identifier_value: "+65123" }),
  country_not_allowed: (asker) => asker.send({ identifier_value: "+33612345678" }),
  grant_not_allowed: async (asker) => {
    const app = appWithClients({ id: MAC });
    const other = await startNest({ beside: asker.nests.good, app });
    const reply = await asker.send({}, {}, OTP, other);
    await other.stop();
    return reply;
  },
  "send_otp:grant_not_allowed": async (asker) => {
    const app = appWithClients({ id: MAC });
    const other = await startNest({ beside: asker.nests.good, app });
    const reply = await asker.send({ ...MAILED, delivery: "link" }, {}, 0, other);
    await other.stop();
    return reply;
  },
  "send_otp:sender_not_allowed": (asker) => sendLinkAs(asker, { from_email: "eve@other.example" }),
  "send_otp:link_placeholder_missing": (asker) => sendLinkAs(asker, { html_body: "<p>Hello</p>" }),
  delivery_failed: (asker) => {
    asker.nests.good.sns.fault({ calls: 1, kind: "error" });
    return asker.send();
  },
  captcha_required: (asker) => withCaptcha(asker, undefined),
  captcha_failed: (asker) => withCaptcha(asker, "x".repeat(2049)),
  captcha_unavailable: (asker) => withCaptcha(asker, "token"),
  "send_otp:rate_limited": (asker) =>
    twice(() => asker.send({ identifier_value: PHONE }, {}, 0, asker.nests.strict)),
  method_disabled: async (asker) => {
    const other = await startNest({ beside: asker.nests.good, environment: { STAGE: "prod" } });
    try {
      return await asker.send({}, {}, 0, other);
    } finally {
      await other.stop();
    }
  },
  user_not_found: (asker) => asker.send(unknownUser),
  "create_user:role_not_found": (asker) => asker.send({ roles: ["nothing"] }),
  "create_user:country_not_allowed": (asker) => asker.send(FRENCH),
  "create_user:identifier_taken": (asker) =>
    twice(() => asker.send({ identifier_value: "created@example.com" })),
  "create_user:delivery_failed": (asker) => {
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return asker.send();
  },
  "create_user:capability_escalation": async (asker) => {
    const { good } = asker.nests;
    const { user_id, access_token: bearer } = await good.signIn(`person${++users}@example.com`);
    await giveRole(good, { key: `creator_${users}`, user_id, capabilities: ["users.write"] });
    return asker.send({}, { bearer, internal: false });
  },
  "register_user:registration_disabled": (asker) => sendToClient(asker, { registration: "closed" }),
  "register_user:cookies_not_enabled": (asker) => asker.send({ options: { set_cookie: true } }),
  "register_user:grant_not_allowed": (asker) => asker.send({ client_id: MAC }),
  "register_user:identifier_taken": (asker) =>
    twice(() => asker.send({ identifier_value: "taken@example.com" })),
  "register_user:country_not_allowed": (asker) => asker.send({ phone_number: "+33612345678" }),
  "register_user:delivery_failed": (asker) => {
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return asker.send({ client_id: NATIVE });
  },
  "register_user:rate_limited": (asker) => twice(() => asker.send({}, {}, 0, asker.nests.strict)),
  password_not_acceptable: (asker) => asker.send({ password: "abc" }),
  "send_password_reset:grant_not_allowed": (asker) => asker.send({ client_id: MAC }),
  "send_password_reset:country_not_allowed": (asker) => asker.send(FRENCH),
  "send_password_reset:delivery_failed": (asker) => {
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return asker.send();
  },
  "create_password_reset:grant_not_allowed": (asker) => asker.send({ client_id: MAC }),
  "create_password_reset:country_not_allowed": (asker) => asker.send(FRENCH),
  "create_password_reset:user_not_found": (asker) => asker.send({ identifier_value: "nobody@example.com" }),
  "create_password_reset:delivery_failed": (asker) => {
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return asker.send({ deliver: true });
  },
  "reset_password:grant_not_allowed": (asker) => asker.send({ client_id: MAC }),
  "reset_password:nonce_missing": (asker) => asker.send({ token: undefined, nonce: undefined }),
  "reset_password:code_missing": (asker) => asker.send({ token: undefined, code: undefined }),
  "reset_password:verification_not_found": (asker) => asker.send({ token: "0".repeat(64) }),
  "reset_password:rate_limited": (asker) =>
    twice(() => asker.send({ token: "0".repeat(64) }, {}, 0, asker.nests.strict)),
  "set_password:grant_not_allowed": async (asker) => asker.send({}, await asker.bearer()),
  "set_password:invalid_credentials": (asker) => asker.send({ current_password: "wrong" }),
  "set_password:rate_limited": async (asker) => {
    const options = await withPassword(asker, "the phrase that was used before");
    return twice(() => asker.send({ current_password: "wrong" }, options, 0, asker.nests.strict));
  },
  "set_password:reauthentication_required": async (asker) => asker.send({}, await longSignedIn(asker)),
  "authenticate_user:invalid_identifier": (asker) => asker.send({ identifier_value: "foo" }, {}, PASSWORD),
  invalid_credentials: (asker) => asker.send({ password: "wrong" }, {}, PASSWORD),
  nonce_missing: (asker) => asker.send({ nonce: undefined }, {}, OTP),
  sender_not_allowed: (asker) => asker.send({ email: { from_email: "eve@other.example" } }, internal),
  link_placeholder_missing: (asker) => asker.send({ email: { html_body: "<p>Hello</p>" } }, internal),
  "disown_session:verification_not_found": (asker) => asker.send({ token: "0".repeat(64) }),
  verification_not_found: (asker) => asker.send({ nonce: "0".repeat(64) }, {}, OTP),
};
