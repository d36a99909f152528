import { row } from "#tools/docs/features/row.ts";

const S = "adapters/static_backend.test.ts";
const ACCOUNTS = "adapters/static_backend_accounts.test.ts";
const PROGRAMS = "adapters/static_backend_programs.test.ts";
const LINKS = "core/sign_in/mailed_link.test.ts";
const WP1 = "black_box/wp1_passwords.test.ts";
const WP5 = "black_box/wp5_accounts.test.ts";

/** The user management of StaticBackend. */
export const STATIC_BACKEND_ROWS = [
  row(
    "B01",
    "All requests are authenticated",
    "Each method declares who may call it",
    "entry/access.test.ts > every method has an access policy",
    `${S} > takes sessions of its own key`,
  ),
  row(
    "B02",
    "Header with the app's public key",
    "`client_id`; the adapter reads `SB-PUBLIC-KEY`",
    `${S} > without a known, enabled key`,
  ),
  row("B03", "Region or base URL", "The base URL of a stage", `${PROGRAMS} > @staticbackend/js registers`),
  row(
    "B04",
    "Session token is a JWT, sent as bearer",
    "`access_token`, in the same header",
    `${S} > answer a token of 12 hours`,
  ),
  row(
    "B05",
    "Tokens live for 12 hours",
    "`accessTokenLifetimeSeconds` of the client",
    `${S} > answer a token of 12 hours`,
    "black_box/wp2_cookies.test.ts > WP2.6",
  ),
  row(
    "B06",
    "Register with address and password",
    "`register_user`",
    `${S} > make a user with an account`,
    `${WP1} > WP1.1`,
  ),
  row(
    "B07",
    "Registration answers the token",
    '`registrationMode: "immediate"`; the other mode verifies the address first',
    `${WP1} > WP1.1`,
    `${WP1} > WP1.3`,
  ),
  row(
    "B08",
    "Login",
    "`authenticate_user`, grant `password`",
    `${S} > have one text for every reason`,
    `${WP1} > WP1.4`,
  ),
  row("B09", "Root token", "An internal key with a list of methods", `${S} > need the root token`),
  row(
    "B10",
    "Create a reset code",
    "`create_password_reset`, and `send_password_reset`, which mails it",
    `${S} > have letters and digits`,
    "black_box/wp1_identifiers.test.ts > WP1.8",
  ),
  row(
    "B11",
    "Names of the SDKs",
    "The SDKs call the adapter unchanged",
    `${PROGRAMS} > @staticbackend/backend resets a password`,
  ),
  row("B12", "Reset with the code", "`reset_password`", `${S} > have letters and digits`, `${WP1} > WP1.6`),
  row(
    "B13",
    "Errors of a reset",
    "`verification_not_found`, `password_not_acceptable`",
    `${S} > are refused if they are wrong`,
  ),
  row(
    "B14",
    "Request a magic link",
    '`send_magic_link`, or `send_otp` with `delivery: "link"`',
    `${S} > are answered with true`,
  ),
  row(
    "B15",
    "Sender of the mail",
    "`email.from_email`, of the client's `emailSenders`",
    `${S} > mail a registered text`,
    "black_box/wp1_identifiers.test.ts > WP1.11",
  ),
  row(
    "B16",
    "Subject and body of the mail",
    "`email.subject`, `email.html_body`, with an internal key or as registered",
    `${S} > have a text of one's own`,
    `${LINKS} > has other callers' texts only`,
  ),
  row(
    "B17",
    "Page of the link",
    "`redirect_uri`, of the client's list",
    `${S} > lead to the client's own pages only`,
  ),
  row(
    "B18",
    "Query of the link",
    "`code` and `state`; `linkQuery` gives programs of StaticBackend `code` and `email`",
    `${S} > sign in once, with either order`,
  ),
  row("B19", "Exchange of the link", "`authenticate_user`", `${S} > sign in once, with either order`),
  row(
    "B20",
    "Optional fields of a mail",
    "Every field of `email` is optional",
    `${S} > mail a registered text`,
  ),
  row(
    "B21",
    "Current user",
    "`get_user`",
    `${S} > make a user with an account`,
    "black_box/wp5_users.test.ts > WP5.1",
  ),
  row(
    "B22",
    "Role as a number",
    "`role` of an account: 100, 80 or 50; the adapter answers 100, 50 or 0",
    `${S} > shows a platform administrator`,
    "black_box/wp5_users.test.ts > WP5.1",
  ),
  row(
    "B23",
    "Accounts",
    "`accounts` and members; a registration makes an account",
    `${S} > make a user with an account`,
    `${WP1} > WP1.1`,
  ),
  row(
    "B24",
    "Add a user",
    "`add_account_user`",
    `${ACCOUNTS} > are added, listed and removed`,
    `${WP5} > WP5.5`,
  ),
  row(
    "B25",
    "Remove a user",
    "`remove_account_user`",
    `${ACCOUNTS} > are added, listed and removed`,
    `${WP5} > WP5.7`,
  ),
  row(
    "B26",
    "List users",
    "`list_account_users`",
    `${ACCOUNTS} > are listed from all pages`,
    `${WP5} > WP5.6`,
  ),
  row("B27", "Errors", "Codes with a status; the adapter answers a sentence", `${S} > get 404 for a path`),
];
