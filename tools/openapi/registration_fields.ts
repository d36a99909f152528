import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

const NONCE = "3f9a0c5b7d1e8f24a6b3c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4";
const TOKEN = "7c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d";
const PASSWORD = "a long passphrase of five words";

const BOTH_TYPES = { enum: ["email", "phone"] };
const identifierType = (description: string): FieldDocumentation => ({
  description,
  example: "email",
  narrows: BOTH_TYPES,
});
const identifierValue: FieldDocumentation = {
  description:
    "The email address, or the phone number with its country code, as the user typed it. A plus sign, spaces, hyphens, dots and parentheses may stand in a number.",
  example: "ada@example.com",
};

/** The fields of registrations and password resets. `timestamp` documents a time. `redirectUri` is an example. */
export const registrationFields = (
  timestamp: (description: string) => FieldDocumentation,
  redirectUri: string,
): Readonly<Record<string, FieldDocumentation>> => ({
  "register_user.identifier_type": identifierType("`email`, or `phone` for a number that receives SMS."),
  "register_user.identifier_value": identifierValue,
  "register_user.password": {
    description:
      "The password. Without one, the user has none, and signs in with links and codes, or chooses one by `send_password_reset`. The client must list the grant `password`.",
    example: PASSWORD,
  },
  "register_user.name": { description: "What the user is called.", example: "Ada Lovelace" },
  account_name: { description: "The name of the user's account.", example: "Analytical Engines" },
  phone_number: {
    description:
      "A phone number of the user, with its country code, beside an email address. It signs nobody in until it is verified.",
    example: "+447400123456",
  },
  "register_user.redirect_uri": {
    description:
      "The page that the link of `options.send_reset_email` opens. It must equal one of the client's redirect URIs exactly. Default: the first.",
    example: redirectUri,
  },
  "register_user.device": { description: "The device that registers." },
  options: { description: "What is sent after the registration. Each is `false` by default." },
  send_email: { description: "A welcome by mail.", example: true },
  send_sms: { description: "A welcome by SMS. Requires a phone number.", example: false },
  "register_user.options.set_cookie": {
    description:
      "For browser pages: sets the cookies of an immediate registration, and `refresh_token` is null. The client must have cookies.",
    example: false,
  },
  send_reset_email: {
    description: "A link with which the person chooses a password. Ignored if `password` is sent.",
    example: false,
  },
  verify_email: {
    description:
      "A code that verifies the address. A client that registers with `verify_first` always sends one.",
    example: false,
  },
  verification: { description: "The code that was sent; null if none was." },
  "register_user.verification.nonce": {
    description: "A secret of the app that registers. Present it with the code.",
    example: NONCE,
  },
  "register_user.verification.expires_at": timestamp("When the code expires."),
  "register_user.verification.delivery": {
    description: "How the code was sent.",
    example: "email",
    narrows: { enum: ["email", "sms"] },
  },
  "register_user.user_created": {
    description:
      "`true` for an immediate registration; null if a code must verify the address first. So are all other fields of the tokens.",
    example: true,
  },

  "send_password_reset.identifier_type": identifierType(
    "`email`: a link and a code come by mail. `phone`: a code comes by SMS.",
  ),
  "send_password_reset.identifier_value": identifierValue,
  "send_password_reset.redirect_uri": {
    description:
      "The page that the link opens, where the person types the new password. It must equal one of the client's redirect URIs exactly.",
    example: redirectUri,
  },
  "send_password_reset.device": { description: "The device that asks." },
  "send_password_reset.nonce": {
    description: "A secret of the app that asks. Present it with the code.",
    example: NONCE,
  },
  "send_password_reset.expires_at": timestamp("When the link and the code expire."),

  "create_password_reset.identifier_type": identifierType("The type of the user's identifier."),
  "create_password_reset.identifier_value": identifierValue,
  deliver: { description: "Whether Nest sends its own message too. Default: `false`.", example: false },
  "create_password_reset.redirect_uri": {
    description: "With `deliver`: the page that the link opens. Default: the client's first redirect URI.",
    example: redirectUri,
  },
  "create_password_reset.nonce": { description: "Is presented with the code.", example: NONCE },
  "create_password_reset.code": { description: "Six digits, which the person types.", example: "042917" },
  "create_password_reset.token": {
    description: "The secret of a link. It alone is enough to set the password.",
    example: TOKEN,
  },
  "create_password_reset.expires_at": timestamp("When the token and the code expire."),

  "reset_password.token": {
    description: "The query parameter `token` of the link. Without it, `nonce` and `code` are required.",
    example: TOKEN,
  },
  "reset_password.nonce": { description: "What `send_password_reset` returned.", example: NONCE },
  "reset_password.code": { description: "The six digits of the message.", example: "042917" },
  "reset_password.password": { description: "The new password.", example: PASSWORD },
  "reset_password.identifier_value": {
    description:
      "The address or number that the message was sent to. Optional; if it is another, the call fails.",
    example: "ada@example.com",
  },
  "set_password.password": { description: "The new password.", example: PASSWORD },
  current_password: {
    description: "The password that is replaced. Required if the user has one.",
    example: "the phrase that was used before",
  },
  sessions_revoked: {
    description: "The number of sessions that ended.",
    example: 2,
    narrows: { type: "integer" },
  },
});
