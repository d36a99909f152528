import { BY_OPERATOR } from "#core/events/event_source.ts";
import { passwordHasher } from "#core/parts.ts";
import { ensureUser } from "#core/users/sign_in_user.ts";
import { digitsIn } from "#tests/support/codes.ts";
import {
  type CallOptions,
  linkIn,
  NATIVE,
  REDIRECT,
  type Reply,
  SIMPLE,
  type TestNest,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

export const P1 = "correct horse battery staple 1";
export const P2 = "another quite long passphrase 2";

type Change = Record<string, unknown>;

/** Registers `a@x.test` with a password, with changes. Default: at the client with immediate registration. */
export const register = (nest: TestNest, change: Change = {}, options: CallOptions = {}): Promise<Reply> =>
  nest.call(
    `${V3}register_user`,
    {
      ...{ client_id: SIMPLE, identifier_type: "email", identifier_value: "a@x.test", password: P1 },
      ...change,
    },
    options,
  );

/** Registers at the client that proves the address first. */
export const registerFirst = (nest: TestNest, change: Change = {}, options: CallOptions = {}) =>
  register(nest, { client_id: NATIVE, ...change }, options);

export const askForReset = (nest: TestNest, change: Change = {}, options: CallOptions = {}): Promise<Reply> =>
  nest.call(
    `${V3}send_password_reset`,
    {
      ...{ client_id: SIMPLE, identifier_type: "email", identifier_value: "a@x.test" },
      redirect_uri: REDIRECT,
      ...change,
    },
    options,
  );

/** The secrets of a reset: the nonce of the response, and the code and the token of the newest mail. */
export async function sentReset(nest: TestNest, change: Change = {}, options: CallOptions = {}) {
  const reply = await askForReset(nest, change, options);
  if (reply.status !== 200) throw new Error(`send_password_reset answered ${reply.status} ${reply.raw}`);
  const mail = nest.lastMail();
  const token = linkIn(mail).searchParams.get("token") ?? "";
  const code = digitsIn(mail.text.replace(/https:\S+/, ""));
  return { nonce: String(reply.body.nonce), code, token };
}

export const resetPassword = (nest: TestNest, body: Change, options: CallOptions = {}): Promise<Reply> =>
  nest.call(`${V3}reset_password`, { client_id: SIMPLE, password: P2, ...body }, options);

/** Calls `set_password` as a user. Default: P2 in place of P1. */
export const setPassword = (
  nest: TestNest,
  { access_token: bearer }: { access_token: string },
  change: Change = {},
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(`${V3}set_password`, { password: P2, current_password: P1, ...change }, { bearer, ...options });

/** Creates a user with a password and an address, which is verified unless said otherwise. @returns the user's id */
export async function givePassword(
  nest: TestNest,
  address: string,
  password = P1,
  { mustChange = false, isVerified = true } = {},
): Promise<string> {
  const { core } = nest.gateway;
  const now = core.clock.now().toISOString();
  const type = address.includes("@") ? ("email" as const) : ("phone" as const);
  const found = await core.identifiers.findActive(type, address);
  const identifier = await ensureUser(core, { identity: address, type, found, source: BY_OPERATOR }, now);
  if (isVerified) await core.identifiers.verify(identifier._id, now, []);
  const hashed = await nest.gateway.part(passwordHasher).hash(password);
  const setBy = mustChange ? ("admin" as const) : ("user" as const);
  const set = { ...hashed, setBy, mustChange, isProvisional: !isVerified };
  await core.passwords.insert(identifier.userId, set, { now, events: [] });
  return identifier.userId;
}

/** Signs in with a password. */
export const signInWith = (
  nest: TestNest,
  identifier_value: string,
  password = P1,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(
    `${V3}authenticate_user`,
    {
      ...{ client_id: NATIVE, grant_type: "password" },
      ...{ identifier_type: identifier_value.includes("@") ? "email" : "phone", identifier_value, password },
      ...change,
    },
    options,
  );
