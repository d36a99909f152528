/** How a caller could get in at each public method, at each grant, and at each function that is no method. */

import { exchange, linkRequest, MAC, NATIVE, REDIRECT, SIMPLE } from "#tests/support/nest.ts";
import { startBody, VERIFIER, visit } from "#tests/support/oauth.ts";
import { P1 } from "#tests/support/passwords.ts";
import { userCodeIn } from "#tests/support/user_codes.ts";
import { ADA, ADAS_ACCOUNT, ADAS_PHONE, type Answer, type Walk } from "#tests/support/walk.ts";

/**
 * What must become of a request. `asks`: its first factor is right, and the response asks for the second. `nothing`: the response
 * has no tokens. `exception`: one of the three that may sign in without asking.
 */
type Outcome = "asks" | "nothing" | "exception";
/** With what becomes of it at the dates before 2026-12-01, if that differs. */
export type Way = readonly [
  outcome: Outcome,
  run: (walk: Walk, path: string) => Promise<Answer>,
  before2026?: Outcome,
];

const EMAIL = { identifier_type: "email", identifier_value: ADA };
const DEVICE = { platform: "mac", beak_id: "b1", fingerprint: "f1" };
const asNative = (fields: object) => ({ client_id: NATIVE, ...fields });

/** Sends fields to the path of the entry. */
const posts =
  (
    fields: (walk: Walk) => object | Promise<object>,
    headers: (walk: Walk) => Record<string, string> = () => ({}),
  ) =>
  async (walk: Walk, path: string) =>
    walk.send(path, { body: await fields(walk), headers: headers(walk) });

const grant = (grant_type: string, fields: (walk: Walk) => Promise<object> | object) =>
  posts(async (walk) => asNative({ grant_type, ...(await fields(walk)) }));

async function sentUserCode(walk: Walk): Promise<object> {
  walk.nest.clock.advance(61);
  const { nonce } = await walk.ask(
    "send_magic_link",
    linkRequest({ client_id: NATIVE, identifier_value: ADA }),
  );
  const user_code = userCodeIn(walk.nest.lastMail(ADA).text);
  const { code: _none, ...rest } = exchange("");
  return { ...rest, nonce, user_code, client_id: NATIVE };
}

async function passkeyOf(walk: Walk, isVerified: boolean): Promise<object> {
  const { challenge_id, options } = await walk.ask("create_passkey_challenge", { client_id: NATIVE });
  return {
    challenge_id,
    credential: walk.passkey.get(options, { origin: "http://localhost:5174", isVerified }),
  };
}

async function oauthCode(walk: Walk): Promise<object> {
  const { code } = await visit(walk.nest, ADAS_ACCOUNT, { start: { client_id: NATIVE } });
  return { code, redirect_uri: REDIRECT, code_verifier: VERIFIER };
}

const linkCode = async ({ nest }: Walk): Promise<object> => {
  nest.clock.advance(61);
  return exchange(await nest.emailedCode({ identifier_value: ADA }));
};

const WRONG = { code: "000000" };

/** By `grant_type`. Grants that exist since 2026-12-01 have ways that older dates do not have. */
export const GRANT_WAYS: Readonly<Record<string, readonly Way[]>> = {
  refresh_token: [
    [
      "exception",
      grant("refresh_token", async (walk) => ({ refresh_token: (await walk.session()).refresh_token })),
    ],
  ],
  authorization_code: [
    ["asks", posts(linkCode)],
    // Older dates know no codes of visits at a provider.
    ["asks", grant("authorization_code", oauthCode), "nothing"],
  ],
  otp: [
    ["asks", grant("otp", (walk) => walk.sentCode(NATIVE))],
    ["asks", grant("otp", (walk) => walk.sentCode(NATIVE, "phone"))],
    ["asks", grant("otp", async (walk) => ({ token: await walk.linkToken(NATIVE) }))],
    // A user code takes the place of the code of a link.
    ["asks", posts(sentUserCode)],
  ],
  password: [["asks", grant("password", () => ({ ...EMAIL, password: P1 }))]],
  mfa: [
    [
      "nothing",
      grant("mfa", async (walk) => ({
        mfa_token: await walk.challenge(),
        factor_id: walk.ada.factorId,
        ...WRONG,
      })),
    ],
    [
      "nothing",
      grant("mfa", async (walk) => ({ mfa_token: await walk.challenge(), recovery_code: "0000-0000-0000" })),
    ],
    ["nothing", grant("mfa", async (walk) => ({ mfa_token: await walk.challenge() }))],
  ],
  webauthn: [
    ["exception", grant("webauthn", (walk) => passkeyOf(walk, true))],
    ["nothing", grant("webauthn", (walk) => passkeyOf(walk, false))],
  ],
};

const internal = (walk: Walk) => walk.internal;
const nothing = (fields: (walk: Walk) => object | Promise<object>): readonly Way[] => [
  ["nothing", posts(fields)],
];

/** Public methods, and those of internal callers, by name. Without `authenticate_user`. */
export const METHOD_WAYS: Readonly<Record<string, readonly Way[]>> = {
  check_verification: nothing(async (walk) => asNative({ token: await walk.resetToken(NATIVE) })),
  create_mfa_factor: nothing(async (walk) => ({
    factor_type: "totp",
    confirm: true,
    mfa_token: await walk.challenge(),
  })),
  create_passkey_challenge: nothing(async (walk) => asNative({ mfa_token: await walk.challenge() })),
  create_password_reset: [["nothing", posts(() => asNative(EMAIL), internal)]],
  create_trial_and_magic_link: nothing(() => linkRequest({ identifier_value: ADA })),
  disown_session: nothing(async (walk) => ({ token: await walk.disownToken() })),
  enrol_alpha_user: [["nothing", posts(() => ({ email: ADA }), internal)]],
  issue_token: [
    [
      "exception",
      posts(({ ada }) => asNative({ user_id: ada.userId, device: { device_id: "d" } }), internal),
    ],
  ],
  list_news_items: nothing(() => ({ client_id: MAC })),
  list_oauth_providers: nothing(() => ({ client_id: NATIVE })),
  list_plans: nothing(() => ({ client_id: NATIVE })),
  register_user: [
    ["nothing", posts(() => ({ client_id: SIMPLE, ...EMAIL, password: P1 }))],
    ["nothing", posts(() => asNative({ ...EMAIL, password: P1 }))],
  ],
  reset_password: nothing(async (walk) => asNative({ token: await walk.resetToken(NATIVE), password: P1 })),
  revoke_token: nothing(async (walk) => asNative({ refresh_token: await walk.challenge() })),
  send_magic_link: nothing(() => linkRequest({ identifier_value: ADA, device: DEVICE })),
  send_mfa_code: nothing(async (walk) =>
    asNative({ mfa_token: await walk.challenge(), factor_id: walk.ada.factorId }),
  ),
  send_otp: nothing(() => asNative(EMAIL)),
  send_password_reset: nothing(() => asNative({ ...EMAIL, redirect_uri: REDIRECT })),
  start_oauth: nothing(() => startBody({ client_id: NATIVE })),
  verify_identifier: nothing(async (walk) => asNative(await walk.verification(NATIVE, "link"))),
  verify_mfa_factor: nothing(async (walk) => ({
    factor_id: walk.ada.factorId,
    code: walk.code(),
    mfa_token: await walk.challenge(),
  })),
};

async function returns(walk: Walk, provider: string): Promise<Answer> {
  const { authorization_url } = await walk.ask("start_oauth", startBody({ client_id: NATIVE, provider }));
  const { url, form } = walk.nest.oauth.visit(authorization_url, ADAS_ACCOUNT);
  const { pathname, searchParams } = new URL(url);
  if (form !== null) return walk.send(pathname, { body: new URLSearchParams(form) });
  return walk.send(pathname, { verb: "GET", query: Object.fromEntries(searchParams) });
}

const gets: Way = ["nothing", (walk, path) => walk.send(path, { verb: "GET" })];

/** Functions that are no methods, by name. The paths of those with placeholders are their own. */
export const FUNCTION_WAYS: Readonly<Record<string, readonly Way[]>> = {
  jwks: [gets],
  oauth_callback: [
    ["nothing", (walk) => returns(walk, "google")],
    ["nothing", (walk) => returns(walk, "apple")],
  ],
  oauth_revocation: [
    [
      "nothing",
      async (walk, path) =>
        walk.send(path, { body: new URLSearchParams({ client_id: NATIVE, token: await walk.challenge() }) }),
    ],
  ],
  stripe_webhook: [["nothing", posts(() => EMAIL)]],
  unmatched: [
    [
      "nothing",
      (walk) => walk.send("/1/2026-12-01/login", { body: { ...EMAIL, password: P1, phone: ADAS_PHONE } }),
    ],
  ],
};
