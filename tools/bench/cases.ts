import type { Db } from "mongodb";
import app from "#app";
import { Signer } from "#core/keys/keys_in_use.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import {
  type AtStripe,
  authorizationOf,
  bearerOf,
  CHALLENGE,
  CLIENT,
  REDIRECT,
  userOf,
  VERIFIER,
} from "#tools/bench/users.ts";
import type { IncomingCall } from "#tools/local/gateway.ts";
import type { LocalSecrets } from "#tools/local/secrets.ts";

/** A database filled with users, and the Stripe double that has their subscriptions. */
export interface FilledDatabase {
  database: Db;
  stripe: StripeDouble;
  atStripe: readonly AtStripe[];
  secrets: LocalSecrets;
  issuer: string;
  /** When the users were inserted. */
  now: Date;
}

/** A kind of call, made once per user. */
export interface Case {
  name: string;
  /** Whether all its users have the same IP address. */
  isFromOneNetwork?: boolean;
  /** Prepares the calls of these users. The returned function makes the same calls with new signatures each time. */
  prepare(filled: FilledDatabase, users: readonly number[]): Promise<() => IncomingCall[]>;
}

/** The IP address of all users of one network. */
export const ONE_IP = "203.0.113.9";
const V1 = "/1/2020-12-14/";
const V2 = "/1/2021-10-06/";

function post(path: string, body?: unknown, headers: Record<string, string> = {}): IncomingCall {
  const bytes =
    body === undefined ? undefined : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const all = { "content-type": "application/json", "user-agent": `${app.name}/1.0`, ...headers };
  return { method: "POST", path, headers: all, body: bytes, ip: ONE_IP };
}

const link = (address: string, beakId: string) => ({
  client_id: CLIENT,
  redirect_uri: REDIRECT,
  state: "s",
  code_challenge_method: "S256",
  code_challenge: CHALLENGE,
  identifier_type: "email",
  identifier_value: address,
  device: { platform: "mac", beak_id: beakId, fingerprint: `fingerprint of ${beakId}` },
});

const exchange = (code: string) => ({
  client_id: CLIENT,
  grant_type: "authorization_code",
  redirect_uri: REDIRECT,
  code,
  code_verifier: VERIFIER,
});

/** Calls that need only the number of their user. */
const plain = (name: string, call: (number: number) => IncomingCall): Case => ({
  name,
  prepare: async (_filled, users) => {
    const calls = users.map(call);
    return () => calls;
  },
});

/** Calls with an access token. */
const signedIn = (name: string, call: (number: number) => [path: string, body?: unknown]): Case => ({
  name,
  async prepare({ secrets, issuer, now }, users) {
    const mint = { issuer, signer: new Signer(secrets.signingKeys) };
    const calls = await Promise.all(
      users.map(async (number) => {
        const [path, body] = call(number);
        return post(path, body, { authorization: `bearer ${await bearerOf(mint, number, now)}` });
      }),
    );
    return () => calls;
  },
});

const webhook = (name: string, emit: (filled: FilledDatabase, number: number) => object): Case => ({
  name,
  async prepare(filled, users) {
    const events = users.map((number) => emit(filled, number));
    return () =>
      events.map((event) => {
        const { body, header } = filled.stripe.signedEvent(event);
        return post("/1/webhook/stripe", body, { "stripe-signature": header });
      });
  },
});

const own = (number: number) => ({ user_id: userOf(number).userId });
const newAddress = (number: number) => `newAddress.${number}@example.com`;

const requestLink = (number: number) => {
  const { address, beakId } = userOf(number);
  return post(`${V1}send_magic_link`, link(address, beakId));
};

/** Every method and callback that reaches the database. */
export const CASES: readonly Case[] = [
  plain("send_magic_link", requestLink),
  { ...plain("send_magic_link, one network", requestLink), isFromOneNetwork: true },
  plain("authenticate_user, code, known user", (number) =>
    post(`${V1}authenticate_user`, exchange(userOf(number).code)),
  ),
  {
    name: "authenticate_user, code, new user",
    async prepare({ database, now }, users) {
      const codeOf = (number: number) => userOf(number).code.replace("authzcode_", "authzcode_n");
      const links = users.map((number) =>
        authorizationOf(newAddress(number), codeOf(number), `new-${number}`, now),
      );
      await database.collection<(typeof links)[number]>("authorizations").insertMany(links);
      const calls = users.map((number) => post(`${V1}authenticate_user`, exchange(codeOf(number))));
      return () => calls;
    },
  },
  plain("authenticate_user, refresh", (number) => {
    const refresh = {
      client_id: CLIENT,
      grant_type: "refresh_token",
      refresh_token: userOf(number).refreshToken,
    };
    return post(`${V1}authenticate_user`, refresh);
  }),
  signedIn("get_user", (number) => [`${V2}get_user`, own(number)]),
  signedIn("get_subscription_status 2020-12-14", () => [`${V1}get_subscription_status`]),
  signedIn("get_subscription_status 2021-10-06", (number) => [`${V2}get_subscription_status`, own(number)]),
  signedIn("list_sessions", (number) => [`${V2}list_sessions`, own(number)]),
  signedIn("get_marketing_consent", (number) => [`${V1}get_marketing_consent`, own(number)]),
  signedIn("set_marketing_consent", (number) => [
    `${V1}set_marketing_consent`,
    { ...own(number), level: "none" },
  ]),
  signedIn("list_news_items", () => [`${V1}list_news_items`, { client_id: CLIENT }]),
  signedIn("revoke_session", (number) => {
    return [`${V2}revoke_session`, { ...own(number), session_id: userOf(number).sessionId }];
  }),
  plain("revoke_token", (number) =>
    post(`${V2}revoke_token`, { client_id: CLIENT, refresh_token: userOf(number).refreshToken }),
  ),
  plain("create_trial_and_magic_link", (number) =>
    post(`${V2}create_trial_and_magic_link`, link(newAddress(number), `new-${number}`)),
  ),
  webhook("stripe_webhook, passive", ({ stripe }, number) =>
    stripe.emit("payment_intent.created", { id: `pi_bench${number}`, object: "payment_intent" }),
  ),
  webhook("stripe_webhook, updated", ({ stripe, atStripe }, number) => {
    stripe.cancelSubscription(atStripe[number]?.id ?? "", { isAtPeriodEnd: true });
    return stripe.events(1)[0] ?? {};
  }),
];
