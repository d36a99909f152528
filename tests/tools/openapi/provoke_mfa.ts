import { FACTORS_LIMIT } from "#core/factors/judge_factor.ts";
import type { MfaFactor } from "#core/repositories/mfa_factors.ts";
import { appWithClients } from "#tests/support/app.ts";
import { digitsIn, redeemCode, sentCode } from "#tests/support/codes.ts";
import { appCode, createFactor, enrol, firstStep, presentFactor } from "#tests/support/mfa.ts";
import {
  type CallOptions,
  exchange,
  MAC,
  NATIVE,
  type Reply,
  startNest,
  type TestNest,
} from "#tests/support/nest.ts";
import { givePassword, register, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";
import { giveRole, setRoles } from "#tests/support/roles.ts";
import type { Asker } from "#tests/tools/openapi/provoke.ts";

type Body = Record<string, unknown>;

/** The methods of second factors. The asker calls them as a user who has one. */
export const MFA_METHODS = [
  ...["create_mfa_challenge", "create_mfa_factor", "list_mfa_factors", "regenerate_recovery_codes"],
  ...["remove_mfa_factor", "send_mfa_code", "verify_mfa_factor"],
];

let users = 0;
const newAddress = () => `factor${++users}@example.com`;

/** A user with an authenticator app. */
const newUser = async (nest: TestNest) => {
  const address = newAddress();
  return { address, ...(await enrol(nest, address)) };
};

type EnrolledUser = Awaited<ReturnType<typeof newUser>>;

/** The credential of a session with both factors. */
async function withBoth(nest: TestNest, { address, seed, factorId }: EnrolledUser): Promise<CallOptions> {
  const code = appCode(seed, nest.clock.now());
  const reply = await presentFactor(nest, await firstStep(nest, address), { factor_id: factorId, code });
  return { bearer: reply.body.access_token };
}

/** A user with a password and no factor. */
async function plainUser(nest: TestNest): Promise<{ bearer: string; userId: string }> {
  const address = newAddress();
  const userId = await givePassword(nest, address);
  return { userId, bearer: (await signInWith(nest, address)).body.access_token };
}

/** A user who signs in by mailed codes only. */
async function byMailOnly(nest: TestNest): Promise<CallOptions> {
  const asked = { client_id: NATIVE, identifier_type: "email", identifier_value: newAddress() };
  const { body } = await redeemCode(nest, await sentCode(nest, asked), { client_id: NATIVE });
  return { bearer: body.access_token };
}

/** Adds a factor whose codes are mailed, which exists already. */
const addMailed = (nest: TestNest, user: EnrolledUser): Promise<string> =>
  addStored(nest, user, { factorType: "email", identifierValue: user.address });

/** Stores an active factor. */
async function addStored(
  nest: TestNest,
  { userId }: EnrolledUser,
  change: Pick<MfaFactor, "factorType" | "identifierValue">,
): Promise<string> {
  const [app] = await nest.gateway.core.mfaFactors.listActive(userId);
  if (!app) throw new Error("no factor");
  const { seed: _seed, ...rest } = app;
  const _id = `mfafac_stored${++users}`;
  await nest.gateway.core.mfaFactors.insert({ ...rest, _id, ...change });
  return _id;
}

/** What the grant `mfa` presents for a new user. */
export async function readyFactor(nest: TestNest): Promise<Body> {
  const { address, seed, factorId: factor_id } = await newUser(nest);
  const mfa_token = await firstStep(nest, address);
  return { client_id: NATIVE, mfa_token, factor_id, code: appCode(seed, nest.clock.now()) };
}

/** Puts a user's own factor in place of the samples. */
export async function readyForMfa(
  nest: TestNest,
  method: string,
  example: Body,
): Promise<{ body: Body; address: string; options: CallOptions }> {
  const { mfa_token: _sample, user_id: _another, ...body } = example;
  if (method === "create_mfa_factor") {
    const { bearer } = await plainUser(nest);
    return { body: { factor_type: "totp", confirm: true }, address: "", options: { bearer } };
  }
  if (method === "verify_mfa_factor") {
    const { bearer } = await plainUser(nest);
    const { body: made } = await createFactor(nest, { access_token: bearer });
    const proof = { factor_id: made.factor_id, code: appCode(made.secret, nest.clock.now()) };
    return { body: proof, address: "", options: { bearer } };
  }
  const user = await newUser(nest);
  const { address } = user;
  if (method === "send_mfa_code") {
    const factor_id = await addMailed(nest, user);
    const mfa_token = await firstStep(nest, address);
    return { body: { client_id: NATIVE, mfa_token, factor_id }, address, options: {} };
  }
  const own = { ...body, ...("factor_id" in body && { factor_id: user.factorId }) };
  const named = method === "create_mfa_challenge" ? { client_id: NATIVE } : own;
  return { body: named, address, options: await withBoth(nest, user) };
}

type Provocation = (asker: Asker) => Promise<Reply>;

const call = (asker: Asker, body: Body, options: CallOptions = {}): Promise<Reply> =>
  asker.nests.good.call(asker.path, body, options);
const authenticate = (asker: Asker, body: Body): Promise<Reply> =>
  call(asker, { client_id: NATIVE, ...body });

/** Sends a call to a Nest with other clients. */
async function toClients(
  { nests: { good }, path }: Asker,
  clients: Parameters<typeof appWithClients>,
  [body, options]: [Body, CallOptions],
): Promise<Reply> {
  const other = await startNest({ beside: good, app: appWithClients(...clients) });
  try {
    return await other.call(path, body, options);
  } finally {
    await other.stop();
  }
}

/** A user who signed in long ago. */
async function staleUser(nest: TestNest): Promise<CallOptions> {
  const { bearer, userId } = await plainUser(nest);
  const longAgo = { $set: { authTime: "2020-01-01T00:00:00.000Z" } };
  await nest.collection("sessions").updateMany({ userId }, longAgo);
  return { bearer };
}

const REQUIRED = { policy: "required", factors: ["totp"] } as const;

/** Presents the token of an enrolment of a client that the app has no more. */
async function withClientGone(asker: Asker, body: Body): Promise<Reply> {
  const { good } = asker.nests;
  const other = await startNest({
    beside: good,
    app: appWithClients({ id: MAC, grants: ["mfa"], mfa: REQUIRED }),
  });
  const code = await good.emailedCode({ identifier_value: newAddress() });
  const { meta } = (await other.call(`${V3}authenticate_user`, exchange(code))).body;
  await other.stop();
  return toClients(asker, [{ id: "client_other" }], [{ ...body, mfa_token: meta.mfa_token }, {}]);
}

/** Presents an unknown token where one failure of a network is allowed. */
async function failTwice({ nests: { strict }, path }: Asker, body: Body): Promise<Reply> {
  const unknown = { ...body, mfa_token: "mfachal_none.0" };
  await strict.call(path, unknown);
  return strict.call(path, unknown);
}

/** Redeems a new link of an address, under the date of the form. */
async function redeemLink(asker: Asker, address: string, nest: TestNest): Promise<Reply> {
  const code = await asker.nests.good.emailedCode({ identifier_value: address });
  return nest.call(asker.path, exchange(code));
}

/** Ways to provoke the errors of second factors. */
export const MFA_PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  mfa_required: async (asker) => {
    const { address } = await newUser(asker.nests.good);
    return redeemLink(asker, address, asker.nests.good);
  },
  mfa_enrollment_required: async (asker) => {
    const { good } = asker.nests;
    const client = { id: MAC, grants: ["mfa"] as const, mfa: REQUIRED };
    const other = await startNest({ beside: good, app: appWithClients(client) });
    try {
      return await redeemLink(asker, newAddress(), other);
    } finally {
      await other.stop();
    }
  },
  "authenticate_user:mfa_failed": async (asker) => {
    const { address, factorId: factor_id } = await newUser(asker.nests.good);
    const mfa_token = await firstStep(asker.nests.good, address);
    return authenticate(asker, { grant_type: "mfa", mfa_token, factor_id, code: "000000" });
  },
  "authenticate_user:mfa_token_expired": (asker) =>
    authenticate(asker, { grant_type: "mfa", mfa_token: "mfachal_none.0", recovery_code: "0" }),
  mfa_token_expired: (asker) => asker.send({ mfa_token: "mfachal_none.0" }),
  mfa_failed: (asker) => asker.send({ code: "000000" }),
  factor_not_found: (asker) => asker.send({ factor_id: "mfafac_none" }),
  factor_type_not_allowed: async (asker) => {
    const { good } = asker.nests;
    // The desktop client of the app offers no codes by mail.
    const { access_token: bearer } = await good.signIn(newAddress());
    return call(asker, { factor_type: "email", confirm: true }, { bearer });
  },
  "create_mfa_factor:own_address_not_verified": async (asker) => {
    const { body } = await register(asker.nests.good, { identifier_value: newAddress() });
    return call(asker, { factor_type: "totp", confirm: true }, { bearer: body.access_token });
  },
  too_many_factors: async (asker) => {
    const { good } = asker.nests;
    const user = await newUser(good);
    for (let number = 1; number < FACTORS_LIMIT; number++) await addMailed(good, user);
    return call(asker, { factor_type: "totp" }, { bearer: user.tokens.access_token });
  },
  "verify_mfa_factor:too_many_factors": async (asker) => {
    const { good } = asker.nests;
    const user = await newUser(good);
    const { body: made } = await createFactor(good, user.tokens);
    for (let number = 1; number < FACTORS_LIMIT; number++) await addMailed(good, user);
    const body = { factor_id: made.factor_id, code: appCode(made.secret, good.clock.now()) };
    return call(asker, body, { bearer: user.tokens.access_token });
  },
  mfa_confirmation_required: (asker) => asker.send({ confirm: false }),
  "remove_mfa_factor:mfa_confirmation_required": async (asker) => {
    const { good } = asker.nests;
    const user = await newUser(good);
    const options = await withBoth(good, user);
    await addStored(good, user, { factorType: "webauthn" });
    const clients = [NATIVE, MAC].map((id) => ({ id, grants: ["mfa"] as const }));
    return toClients(asker, clients, [{ factor_id: user.factorId }, options]);
  },
  "create_mfa_factor:factor_repeats_sign_in": async (asker) =>
    call(asker, { factor_type: "email", confirm: true }, await byMailOnly(asker.nests.good)),
  "verify_mfa_factor:factor_repeats_sign_in": async (asker) => {
    const { good } = asker.nests;
    const { bearer, userId } = await plainUser(good);
    const asked = { factor_type: "email", confirm: true };
    const { body: made } = await createFactor(good, { access_token: bearer }, asked);
    const code = digitsIn(good.lastMail().text);
    await good.collection("passwords").deleteOne({ userId });
    return call(asker, { factor_id: made.factor_id, code }, { bearer });
  },
  "remove_mfa_factor:factor_repeats_sign_in": async (asker) => {
    const { good } = asker.nests;
    const user = await newUser(good);
    const options = await withBoth(good, user);
    await addMailed(good, user);
    await good.collection("passwords").deleteOne({ userId: user.userId });
    return call(asker, { factor_id: user.factorId }, options);
  },
  "create_mfa_factor:invalid_identifier": (asker) => asker.send({ factor_type: "sms", phone_number: "12" }),
  "create_mfa_factor:country_not_allowed": (asker) =>
    asker.send({ factor_type: "sms", phone_number: "+33612345678" }),
  mfa_not_enabled: async (asker) => {
    const { good } = asker.nests;
    const { bearer, userId } = await plainUser(good);
    await good.collection("sessions").updateMany({ userId }, { $set: { amr: ["pwd", "otp", "mfa"] } });
    return asker.send({}, { bearer });
  },
  "create_mfa_challenge:incorrect_client": async (asker) => {
    const { access_token: bearer } = await asker.nests.good.signIn(newAddress());
    return asker.send({}, { bearer });
  },
  "remove_mfa_factor:reauthentication_required": async (asker) => {
    const { factorId: factor_id, tokens } = await newUser(asker.nests.good);
    return call(asker, { factor_id }, { bearer: tokens.access_token });
  },
  "create_mfa_challenge:grant_not_allowed": async (asker) => {
    const { bearer } = await plainUser(asker.nests.good);
    return toClients(asker, [{ id: NATIVE }], [{ client_id: NATIVE }, { bearer }]);
  },
  "create_mfa_factor:reauthentication_required": async (asker) =>
    call(asker, { factor_type: "totp" }, await staleUser(asker.nests.good)),
  "verify_mfa_factor:reauthentication_required": async (asker) =>
    call(asker, { factor_id: "mfafac_none", code: "000000" }, await staleUser(asker.nests.good)),
  "create_mfa_factor:client_not_found": (asker) => withClientGone(asker, { factor_type: "totp" }),
  "verify_mfa_factor:client_not_found": (asker) =>
    withClientGone(asker, { factor_id: "mfafac_none", code: "000000" }),
  "create_mfa_factor:rate_limited": (asker) => failTwice(asker, { factor_type: "totp" }),
  "verify_mfa_factor:rate_limited": (asker) => failTwice(asker, { factor_id: "mfafac_none", code: "000000" }),
  "send_mfa_code:rate_limited": (asker) => failTwice(asker, { client_id: NATIVE, factor_id: "mfafac_none" }),
  "create_mfa_factor:delivery_failed": async (asker) => {
    const { bearer } = await plainUser(asker.nests.good);
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return call(asker, { factor_type: "email", confirm: true }, { bearer });
  },
  "send_mfa_code:delivery_failed": async (asker) => {
    const { body } = await readyForMfa(asker.nests.good, "send_mfa_code", {});
    asker.nests.good.ses.fault({ calls: 1, kind: "error" });
    return call(asker, body);
  },
  "send_mfa_code:country_not_allowed": async (asker) => {
    const { good } = asker.nests;
    const { body } = await readyForMfa(good, "send_mfa_code", {});
    // The client served the country when the factor was added.
    const french = { factorType: "sms", identifierValue: "+33612345678" };
    await good.collection("mfa_factors").updateOne({ _id: body.factor_id as never }, { $set: french });
    return call(asker, body);
  },
  mfa_required_by_policy: async (asker) => {
    const user = await newUser(asker.nests.good);
    const options = await withBoth(asker.nests.good, user);
    const client = { id: NATIVE, grants: ["mfa"] as const, mfa: REQUIRED };
    return toClients(asker, [client], [{ factor_id: user.factorId }, options]);
  },
  "remove_mfa_factor:capability_escalation": async (asker) => {
    const { good } = asker.nests;
    const { factorId: factor_id, userId: user_id } = await newUser(good);
    await setRoles(good, user_id, ["support"]);
    const actor = await plainUser(good);
    await giveRole(good, { key: `factors_${users}`, user_id: actor.userId, capabilities: ["users.write"] });
    return call(asker, { factor_id, user_id }, { bearer: actor.bearer });
  },
  "regenerate_recovery_codes:reauthentication_required": async (asker) => {
    const { tokens } = await newUser(asker.nests.good);
    return asker.nests.good.call(`${V3}regenerate_recovery_codes`, {}, { bearer: tokens.access_token });
  },
};
