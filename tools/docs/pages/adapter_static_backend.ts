import { handler } from "#adapters/static_backend.ts";
import { adapterSections } from "#tools/docs/adapter_page.ts";

export const path = "docs/adapters/static_backend.md";

const TRY = `\`\`\`sh
base=http://localhost:3000/static_backend
key=client_sample_static_backend
curl -s $base/register -H "SB-PUBLIC-KEY: $key" -d '{"email": "new@user.com", "password": "userpw"}'
token=$(curl -s $base/login -H "SB-PUBLIC-KEY: $key" -d '{"email": "new@user.com", "password": "userpw"}' | tr -d '"')
curl -s $base/me -H "SB-PUBLIC-KEY: $key" -H "Authorization: Bearer $token"
\`\`\``;

const CLIENT = `\`\`\`ts
{
  id: "acme_static_backend",
  name: "Acme's StaticBackend programs",
  redirectUris: ["https://acme.example/magic"],
  origins: ["https://acme.example"],
  adapters: ["static_backend"],
  firstParty: true,
  grants: ["otp_link", "password"],
  registrationMode: "immediate",
  linkQuery: "code_and_email",
  accessTokenLifetimeSeconds: 43_200,
  addsBeforeProof: true,
  emailSenders: ["hello@acme.example"],
  emailTemplates: [{ fromEmail: "hello@acme.example", subject: "Sign in", body: "<p>Click [link]</p>" }],
}
\`\`\``;

const DIFFERENCES = [
  [
    "A public key opens a database of its own",
    "A public key is a client's id. The clients of one app share its users; a session works with the key of its client only",
    "An app has one set of users. Tenants that must not meet are deployments of their own",
  ],
  [
    "Passwords of any length; bcrypt",
    "At least 15 characters on a deployed stage, none of a known breach; Argon2id. The local sample client takes six characters. A user whose old password is shorter keeps it until it is changed",
    "A password signs a person in alone (NIST SP 800-63B-4)",
  ],
  [
    "Any text registers as an address",
    "400 with `invalid email`, for a malformed address, and 409 for a taken one. This is the only route that reveals to strangers who is registered",
    "Programs show this text to the person; neutral answers would leave the program without a token",
  ],
  [
    "`/login` has one text for a wrong password and another for an unknown address",
    "One text, after the same work. 429 over the limits of wrong passwords",
    "A stranger must not learn who is registered, nor guess without a limit",
  ],
  [
    "A token works until the cache forgets it, also after its user was removed",
    "The client's `accessTokenLifetimeSeconds`: set 12 hours. It ends with its session, such as after a new password, or when the user is removed or disabled",
    "A stolen token must have an end",
  ],
  [
    "The root token is a user's secret, and opens every route",
    "An internal key that may call `create_password_reset` only. Keep it on your server: no page may send it",
    "Anybody who has it can take over any account by a new password",
  ],
  [
    "The reset code has 10 characters and works any number of times, without an end",
    "64 letters and digits, once, for 30 minutes; a new code replaces it. The reset ends every session",
    "A short code could be guessed, because the request has no nonce",
  ],
  [
    "`/password/resetcode` of an unknown address is a 500",
    "404 with `invalid email`, for callers with the root token only",
    "The Python program takes every other text for the code",
  ],
  [
    "`/login/magic` sends any sender, subject and HTML to anybody",
    "The caller's texts count only if the client registers exactly them in `emailTemplates`; else the app's own mail goes out. A server with an internal key for `send_otp` (`authorization: internal ...`) may send its own text, which is sanitized, from an address of `emailSenders`, with the placeholder `[link]`",
    "With a public key alone anybody could mail anything in your name",
  ],
  [
    "Any `link`, with a query or not",
    "One of the client's `redirectUris`, which have no query; without `link`, the first. Code and address are encoded",
    "A code must not go to a stranger's page. A plus sign in an address arrived as a space",
  ],
  [
    "A magic code has 6 digits, any code signs in, for 12 hours",
    "64 letters and digits, once, for 10 minutes, for its client and address. One mail in 60 s for an address, else 429",
    "The code is in a URL, and nothing else binds it to the program that requested it",
  ],
  [
    "The link of an unknown address signs nobody in",
    "It makes a user, as every first sign-in does. The first verification of an address drops a password that somebody set before",
    "A person who registered a stranger's address must not keep access to the account",
  ],
  [
    "`accountId` in `/register` and `/login` (JavaScript and Node 1.7)",
    "Ignored: a sign-in is for the user's own account",
    "The documentation of the original has no such field",
  ],
  [
    "Any member adds and removes users, `GET` on the path of a user removes",
    "Owner and administrators of the account. The last owner stays. `POST` and `DELETE` only, in the caller's account also for a platform administrator",
    "A member must not take over the account",
  ],
  [
    "Users who are added need not change the password",
    "They may sign in, and are asked for another password (`password_change_required` of `authenticate_user`)",
    "Two people know the first one",
  ],
  [
    "An owner adds users at once",
    "With `addsBeforeProof`. When somebody verifies the owner's address later, by a magic link or a reset, the users who were added before leave the account. Without it, 403 until the owner has verified the address. So send owners a magic link first",
    "A person who registered a stranger's address must not keep a second user in the stranger's account",
  ],
  [
    "`POST /account/users` answers `true` to programs before 1.6, and later the user",
    '`addedUserAnswer` of the client: `"true"`, or `"user"` for `backend-go` from 1.6 and the CLI. `token` is empty',
    "Nothing in a request tells the versions apart; the token of the original never expires",
  ],
  ["Lists have each user's `token`", "They don't", "It never expires, and gives access to every route"],
  [
    "`role` is a stored number",
    "Computed: 100 for the platform role `admin`, 50 for the owner or an administrator of the account, else 0",
    "Nest has named [roles](../roles.md)",
  ],
  [
    "400 for a wrong token, 500 for most other errors, with texts of the database and what was sent",
    "401, 403, 404, 405, 409, 429, with one sentence that repeats nothing",
    "Texts of errors end in logs and pages",
  ],
  [
    "Any HTTP method; GET deletes; every origin",
    "405 for another method; CORS for the client's origins, with the methods and headers that the JavaScript program sends",
    "A link must not change anything",
  ],
  [
    "`/email`, `/setrole`, `/sudogettoken` and others",
    "404",
    "They reveal who is registered, or act as another user. Roles: `set_user_roles`",
  ],
] as const;

/** @returns the blocks of the page */
export async function render() {
  return [
    "# Adapter static_backend",
    "The user API of StaticBackend, served by Nest: registration, passwords, sessions, magic links, and the users of an account. " +
      "For developers of programs that use `@staticbackend/js`, `@staticbackend/backend`, `backend-go` or the Python package, and " +
      "for operators who replace it. [Adapters](README.md) explains what all adapters share.",
    "With `npm start` running in another terminal:",
    TRY,
    "`GET /dev/status` has the base URL, the public key and the root token of the local stack.",
    "## Move in",
    [
      "1. Add a client to the app file ([your own app](../your_app.md)), as below. Its id becomes the public key of your programs.",
      '2. List the adapter in the stage file: `adapters: ["static_backend"]`. Check it with `npm run nest -- config check --stage nonprod`.',
      "3. For codes of new passwords, add an internal key with the method list `create_password_reset` ([operate](../operate.md)). It is the root token.",
      `4. Export the users: \`psql "$DATABASE_URL" -c "\\copy (select id, email, true as email_verified, created as created_at, password as password_hash from <database>.sb_tokens) to users.csv csv header"\`.`,
      "5. StaticBackend verified no address. Export `true` for addresses that you know to be verified; users with other addresses register again.",
      "6. Import them: `npm run nest -- db import --from csv users.csv --apply --mapping ids.csv` ([move in](../move_in.md)). Each gets a new id and an account of their own.",
      "7. Passwords stay: a bcrypt hash is checked, and replaced by Argon2id at the next sign-in.",
      "8. Add members of shared accounts again, as their owner: `POST /account/users`.",
      "9. Change base URL and public key of your programs: `https://<your Nest>/static_backend`, without a slash at the end.",
      "10. Tokens of the original are not accepted, so everybody signs in once.",
    ].join("\n"),
    CLIENT,
    ...adapterSections(handler.declaration),
    "## Differs from the original, and why",
    { head: ["Original", "Here", "Why"], rows: DIFFERENCES.map((row) => [...row]) },
    "Next: [passwords](../passwords.md), [users](../users.md), [methods](../methods.md).",
  ];
}
