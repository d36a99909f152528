import { handler } from "#adapters/service_authentication.ts";
import { adapterSections } from "#tools/docs/adapter_page.ts";

export const path = "docs/adapters/service_authentication.md";

const TRY = `\`\`\`sh
base=http://localhost:3000/service_authentication
json='content-type: application/json'
curl -s $base/register -H "$json" -d '{"email": "example@mail.com", "password": "purple lantern 42", "options": {"verifyEmail": true}}'
curl -s -c jar.txt $base/login -H "$json" -d '{"email": "example@mail.com", "password": "purple lantern 42"}'
curl -s -b jar.txt $base/user -H 'sec-fetch-site: same-origin'
curl -s -b jar.txt -c jar.txt $base/token/refresh -H 'sec-fetch-site: same-origin'
\`\`\``;

const SECOND_FACTOR = `\`\`\`sh
field() { node -p "JSON.parse(require('fs').readFileSync(0))$1"; }
curl -s $base/register -H "$json" -d '{"email": "factor@mail.com", "password": "purple lantern 42", "options": {"verifyEmail": true}}' > registered.json
auth="authorization: Bearer $(field .access_token < registered.json)"
nonce=$(field .verification.nonce < registered.json)
code=$(curl -s localhost:3000/dev/inbox | field '.at(-1).text.match(/[0-9]{6}/)[0]')
curl -s $base/email/verify -H "$json" -d "{\\"nonce\\": \\"$nonce\\", \\"code\\": \\"$code\\"}"
curl -s $base/authenticator/setup -H "$json" -H "$auth" -d '{"confirm": true}'
# Add "secret" to an authenticator app. Then, with the factor_id and the six digits of the app:
curl -s $base/authenticator/verify -H "$json" -H "$auth" -d '{"factor_id": "FACTOR_ID", "code": "DIGITS"}'
\`\`\``;

const CLIENT = `\`\`\`text
{
  id: "acme_rest",
  name: "Acme's REST programs",
  redirectUris: [
    // The local stack: the adapter, to which the links of mails lead, the callback of each OAuth provider, and the page to which people return.
    "http://localhost:3000/service_authentication",
    "http://localhost:3000/service_authentication/oauth/google/callback",
    "http://localhost:5173/",
    // nonprod
    "https://nest.test.acme.example/service_authentication",
    "https://nest.test.acme.example/service_authentication/oauth/google/callback",
    "https://test.acme.example/",
    // prod
    "https://nest.acme.example/service_authentication",
    "https://nest.acme.example/service_authentication/oauth/google/callback",
    "https://acme.example/",
  ],
  origins: ["http://localhost:5173", "https://test.acme.example", "https://acme.example"],
  adapters: ["service_authentication"],
  firstParty: true,
  grants: ["mfa", "otp", "otp_link", "password"],
  linkQuery: "path",
  registrationMode: "immediate",
  cookies: { enabled: true, default: true },
  phoneCountries: ["GB"],
},
\`\`\``;

const DIFFERENCES = [
  [
    "26 of 31 endpoints have no documented body",
    "The bodies above. Request fields that the original documents keep their names. All other fields, and the responses, have the names of Nest's methods",
    "A program needs to know the bodies",
  ],
  [
    "Passwords of any length",
    "At least 15 characters on a deployed stage, and no password from a known breach. The local sample client accepts six characters",
    "A password signs a person in alone (NIST SP 800-63B-4)",
  ],
  [
    "Without a password, a random one is generated",
    "The user has no password until they choose one by a link",
    "The same effect, without a secret that an attacker could learn",
  ],
  [
    "A link signs in, or verifies, when it is opened",
    "A browser gets a page with a button, which sends the POST. A program that accepts `application/json` gets the response of the GET",
    "Mail scanners open links, and would use them up",
  ],
  [
    "A password stays valid, even if another person verifies the address",
    "If the first verification link is opened without the user's session, Nest removes the password and signs the user out ([why](../verification.md#who-owns-an-address)). A link that is opened in the user's session, and a code of `POST /email/verify`, remove nothing",
    "A stranger may have registered the address",
  ],
  [
    "Three families of endpoints for second factors: `/mfa`, `/otp`, `/authenticator`",
    "One list of factors. `verify` completes a sign-in if the body has `mfa_token`, else it activates a factor. `/mfa/remove` removes a factor of any type",
    "A person can have several factors, and a program shows one list",
  ],
  [
    "Where `/oauth/:provider/callback` leads is not documented",
    "To the client's page on the stage ([how Nest finds it](#move-in)). A cookie binds the visit to the browser for ten minutes",
    "A visit that a stranger began must not sign a person in (login CSRF)",
  ],
  [
    "How `/oauth/link` knows the account is not documented",
    "`GET /oauth/:provider?intent=link` begins. The client's page gets `provider` and `code`, and posts them to `/oauth/link` with the session",
    "Only the user may link, within ten minutes of a sign-in",
  ],
  [
    "GET `/token/refresh` and `/token/revoke` work for every page",
    "Cookies are accepted only from a page of the API's own origin (`Sec-Fetch-Site: same-origin`) or of the client's origins (`Origin`). POST with `refresh_token` works without cookies",
    "Otherwise every page on the web could sign a person out (CSRF)",
  ],
  [
    "One cookie with the JWT",
    "Two cookies, `__Secure-service_authentication_access` and `__Secure-service_authentication_refresh`. They are `HttpOnly`, and their path is the adapter's. With cookies, no response has the refresh token",
    "No script can read them",
  ],
  [
    "`setCookie` of `/login` is true by default",
    "True by default only if the client has `cookies.enabled`. For another client, `setCookie: true` gets 400 `cookies_not_enabled`",
    "Installed programs keep tokens themselves",
  ],
  ["`sendSms` without a phone number", "Ignored", "The original's own sample sends it so"],
  [
    "Errors are not documented",
    "Nest's `{code, meta?, reasons?}` with a `message`",
    "Programs branch on `code`, people read `message`",
  ],
  [
    "One application",
    "The client that lists the adapter. If several clients list it, the header `x-client-id` names one. Links of mails have `client_id` in the query. To begin a visit at a provider, a browser sends `client_id` in the query too",
    "An app can have several programs",
  ],
  [
    "Roles and capabilities (`caps`) without endpoints",
    "`GET /user` returns `roles` and `capabilities`; administrators change them by [roles](../roles.md)",
    "Nest has methods for them",
  ],
] as const;

/** @returns the blocks of the page */
export async function render() {
  return [
    "# Adapter service_authentication",
    "The REST API of service-authentication, served by Nest: registration, login, links, codes, second factors, OAuth, tokens, users, " +
      "webhooks and the audit log. For developers of programs that use it, and for operators who replace it. [Adapters](README.md) explains what all adapters " +
      "share.",
    "With `npm start` running in another terminal:",
    TRY,
    "The terminal runs the lines as they are: the password has 15 characters or more, as a client of your own requires. `POST /register` sets no " +
      "cookies unless `options.setCookie` is `true`. `POST /login` sets them if the client has cookies. `GET /dev/status` has the base URL and the " +
      "client's id of the local stack.",
    "## Add a second factor",
    "A user can add a second factor only after they verify an address or number of their own; otherwise Nest answers `own_address_not_verified`. So do " +
      "these steps in this order: register, verify the address, add the factor. The mail of `verifyEmail` has a code. Send it to `POST /email/verify` with the " +
      "`nonce` of the registration:",
    SECOND_FACTOR,
    "From then on, `POST /login` answers 403 `mfa_required`, with `meta.mfa_token` and `meta.factors`. Send `mfa_token`, `factor_id` and the next six digits to " +
      "`POST /authenticator/verify`, which answers the tokens. A sign-in at an OAuth provider also needs the second factor: the browser returns to the client's " +
      "page with `error=mfa_required` in the query, and with `mfa_token` and `factors` in the fragment.",
    "## Move in",
    [
      "1. Add a client to the app file ([your own app](../your_app.md)), as below.",
      '2. List the adapter in the stage file: `adapters: ["service_authentication"]`. Check it with `npm run nest -- config check --stage nonprod`.',
      "3. Export the users as CSV with the columns `id`, `email`, `email_verified`, `created` and `password_hash`.",
      "4. Import them: `npm run nest -- db import --from csv users.csv --apply --mapping ids.csv` ([move in](../move_in.md)).",
      "5. bcrypt and Argon2 hashes keep working, and are replaced at the user's next sign-in. Users with other hashes choose a new password by `POST /password/forgot`.",
      "6. Give administrators their role: `npm run nest -- users grant <address> admin` ([roles](../roles.md)).",
      "7. Create webhooks again, since each has a new secret, and verify their signatures ([webhooks](../webhooks.md)).",
      "8. Change the base URL of your programs: `https://<your Nest>/service_authentication`, without a slash at the end.",
      "9. Services that verify tokens take the keys from `/.well-known/jwks.json` ([standard libraries](../standard_libraries.md)).",
      "10. Nest does not accept tokens of the original, so every user signs in again once.",
    ].join("\n"),
    CLIENT,
    "A client has one list of `redirectUris` for all stages. Each stage uses the URIs of its own API. After a visit at an OAuth provider, the person returns to " +
      "the first page after the adapter's URI of the stage, so keep the URIs of a stage together. A page on `localhost` is used by the local stack only. Without " +
      "`http://localhost:3000/service_authentication`, `POST /register` on your machine answers `invalid_redirect_uri`. Register each callback at the provider " +
      "too ([OAuth](../oauth.md#set-it-up)).",
    "This client requires passwords of 15 characters on every stage; shorter passwords get `password_not_acceptable`. For shorter passwords on your machine, add " +
      "`passwordMinLength: { local: 6, nonprod: 15, prod: 15 }`.",
    ...adapterSections(handler.declaration),
    "## Differs from the original, and why",
    { head: ["Original", "Here", "Why"], rows: DIFFERENCES.map((row) => [...row]) },
    "Next: [cookies](../cookies.md), [users](../users.md), [methods](../methods.md).",
  ];
}
