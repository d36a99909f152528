/** How a caller could get in at each route of the adapter service_authentication that needs no session. */
import { P1 } from "#tests/support/passwords.ts";
import { ADA, ADAS_ACCOUNT, type Answer, ISSUER, type Walk } from "#tests/support/walk.ts";
import type { Way } from "#tests/support/ways_in.ts";
import { posts, sends } from "#tests/support/ways_to_send.ts";
import { ADAPTER_CLIENT_IDS } from "#tools/local/sample_clients.ts";

const SERVICE = ADAPTER_CLIENT_IDS.service_authentication;
const BASE = `${ISSUER}/service_authentication`;
const PAGE = { accept: "text/html", "sec-fetch-site": "same-origin" };
const PROGRAM = { accept: "application/json" };
const VISITED = { accept: "text/html", "sec-fetch-site": "cross-site" };

const cookiesOf = ({ cookies }: Answer): string => cookies.map((cookie) => cookie.split(";")[0]).join("; ");

/** A challenge of service_authentication's own client: the link was right, which takes less time than a password. */
async function challengeOf(walk: Walk): Promise<string> {
  const answer = await walk.send(`/service_authentication/login/magic/${await byLink(walk)}`);
  return JSON.parse(answer.body).meta.mfa_token;
}

/** A session of its own client, after both factors. */
async function sessionOf(walk: Walk, setCookie: boolean): Promise<Answer> {
  const mfa_token = await challengeOf(walk);
  const body = { mfa_token, factor_id: walk.ada.factorId, code: walk.code(), setCookie };
  return walk.send("/service_authentication/authenticator/verify", { body, headers: PAGE });
}

const wrongStep: Way = [
  "nothing",
  posts(async (walk) => ({
    mfa_token: await challengeOf(walk),
    factor_id: walk.ada.factorId,
    code: "000000",
  })),
];
/** A right code of the app activates nothing without a session. */
const enrolls: Way = [
  "nothing",
  posts(async (walk) => {
    const enrollment_token = await challengeOf(walk);
    return { factor_id: walk.ada.factorId, code: walk.code(), enrollment_token };
  }),
];
const setsUp: Way = [
  "nothing",
  posts(async (walk) => ({ phone: "+6591230001", confirm: true, enrollment_token: await challengeOf(walk) })),
];

const byLink = (walk: Walk) => walk.linkToken(SERVICE, BASE);
async function proofLink(walk: Walk): Promise<string> {
  const { token = "" } = (await walk.verification(SERVICE, "link", BASE)) as { token?: string };
  return token;
}

/** Goes to the provider and back to the adapter's own callback, as a browser does. */
async function comesBack(walk: Walk): Promise<Answer> {
  const begun = await walk.send("/service_authentication/oauth/google", { verb: "GET", headers: VISITED });
  const answer = walk.nest.oauth.visit(begun.headers.location ?? "", ADAS_ACCOUNT);
  const { pathname, searchParams } = new URL(answer.url);
  const back = await walk.send(pathname, { verb: "GET", query: Object.fromEntries(searchParams) });
  const own = new URL(back.headers.location ?? "");
  return walk.send(own.pathname, {
    ...{ verb: "GET", query: Object.fromEntries(own.searchParams) },
    headers: { ...VISITED, cookie: cookiesOf(begun) },
  });
}

const CREDENTIALS = { email: ADA, password: P1 };

/** By adapter, verb, path, and the field that chooses among the routes of a path. */
export const SERVICE_WAYS: Readonly<Record<string, readonly Way[]>> = {
  "service_authentication POST /mfa/setup": [setsUp],
  "service_authentication POST /mfa/verify mfa_token": [wrongStep],
  "service_authentication POST /mfa/verify": [enrolls],
  "service_authentication POST /authenticator/setup": [setsUp],
  "service_authentication POST /authenticator/verify mfa_token": [wrongStep],
  "service_authentication POST /authenticator/verify": [enrolls],
  "service_authentication POST /otp/send mfa_token": [
    [
      "nothing",
      posts(async (walk) => ({ mfa_token: await challengeOf(walk), factor_id: walk.ada.factorId })),
    ],
  ],
  "service_authentication POST /otp/verify mfa_token": [wrongStep],
  "service_authentication POST /otp/verify factor_id": [enrolls],
  "service_authentication POST /register": [
    ["nothing", posts(() => ({ ...CREDENTIALS, options: { setCookie: true } }))],
  ],
  "service_authentication POST /login": [
    ["asks", posts(() => ({ ...CREDENTIALS, options: { setCookie: false } }))],
    ["asks", posts(() => CREDENTIALS, PAGE)],
  ],
  "service_authentication POST /login/magic": [["nothing", posts(() => ({ email: ADA }))]],
  "service_authentication GET /login/magic/{token}": [
    ["asks", sends("GET", async (walk) => ({ in: await byLink(walk), headers: PROGRAM }))],
    // A browser gets a page with a button.
    ["nothing", sends("GET", async (walk) => ({ in: await byLink(walk), headers: PAGE }))],
  ],
  "service_authentication POST /login/magic/{token}": [
    ["asks", sends("POST", async (walk) => ({ in: await byLink(walk) }))],
    [
      "asks",
      sends("POST", async (walk) => ({
        in: await byLink(walk),
        headers: PAGE,
        body: new URLSearchParams({ setCookie: "true" }),
      })),
    ],
  ],
  "service_authentication POST /otp/send": [["nothing", posts(() => ({ email: ADA }))]],
  "service_authentication POST /otp/verify": [
    ["asks", posts((walk) => walk.sentCode(SERVICE))],
    ["asks", posts((walk) => walk.sentCode(SERVICE, "phone"))],
  ],
  "service_authentication POST /password/forgot": [["nothing", posts(() => ({ email: ADA }))]],
  "service_authentication GET /password/reset/{token}": [
    ["nothing", sends("GET", async (walk) => ({ in: await walk.resetToken(SERVICE) }))],
  ],
  "service_authentication POST /password/reset/{token}": [
    [
      "nothing",
      sends("POST", async (walk) => ({ in: await walk.resetToken(SERVICE), body: { password: P1 } })),
    ],
  ],
  "service_authentication POST /email/verify code": [
    ["nothing", posts((walk) => walk.verification(SERVICE, "code"))],
  ],
  "service_authentication GET /email/verify/{token}": [
    ["nothing", sends("GET", async (walk) => ({ in: await proofLink(walk) }))],
  ],
  "service_authentication POST /email/verify/{token}": [
    ["nothing", sends("POST", async (walk) => ({ in: await proofLink(walk) }))],
  ],
  "service_authentication GET /token/refresh": [
    [
      "exception",
      sends("GET", async (walk) => ({
        headers: { ...PAGE, cookie: cookiesOf(await sessionOf(walk, true)) },
      })),
    ],
  ],
  "service_authentication POST /token/refresh": [
    [
      "exception",
      posts(async (walk) => ({
        refresh_token: JSON.parse((await sessionOf(walk, false)).body).refresh_token,
      })),
    ],
  ],
  "service_authentication GET /token/revoke": [
    [
      "nothing",
      sends("GET", async (walk) => ({
        headers: { ...PAGE, cookie: cookiesOf(await sessionOf(walk, true)) },
      })),
    ],
  ],
  "service_authentication POST /token/revoke": [
    ["nothing", posts(async (walk) => ({ refresh_token: await challengeOf(walk) }))],
  ],
  "service_authentication GET /oauth/{provider} intent": [
    ["nothing", sends("GET", () => ({ in: "google", query: { intent: "link" } }))],
  ],
  "service_authentication GET /oauth/{provider}": [["nothing", sends("GET", () => ({ in: "google" }))]],
  "service_authentication GET /oauth/{provider}/callback": [["asks", comesBack]],
};
