import type { Schema } from "#tools/openapi/types.ts";

/** What the schema of a field can't say. */
export interface Words {
  says: string;
  /** A value as it comes; none where the field's own parts make it up. */
  example?: unknown;
  /** Narrows the schema to what is really sent. */
  narrows?: Schema;
}

/** RFC 3339 in UTC with milliseconds, as every moment on the wire. */
export const MOMENT: Schema = {
  format: "date-time",
  pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$",
};

const USER = "user_2hF4hEJqzyYxw9P8Wc1ZbXv5nQk";
const ID = "Opaque; compare it, don't read it.";

const moment = (says: string, example: string | null = "2026-03-14T09:26:53.589Z"): Words => ({
  says,
  example,
  narrows: MOMENT,
});

/**
 * The meaning of every field on the wire, by its name, or by `<method>.<path>` where a name has several. They stand here
 * and not in the declarations so that no function carries prose.
 */
export const FIELDS: Readonly<Record<string, Words>> = {
  client_id: { says: "The OAuth client that asks.", example: "client_000000C2kdCzNlbL1BqR5FeMatItU" },
  user_id: { says: `The user. ${ID}`, example: USER },

  redirect_uri: {
    says: "Where the link leads: one of the client's own, letter by letter.",
    example: "https://magic.getbeak.app/",
  },
  state: {
    says: "Comes back in the link unchanged. The client finds its code verifier by it, so make a new random one for each link (RFC 6749, section 10.12).",
    example: "5sCMVbRsG3ZBkN0vSgX1yw",
  },
  code_challenge_method: { says: "How the challenge was made (RFC 7636).", example: "S256" },
  code_challenge: {
    says: "The SHA-256 of the code verifier as unpadded base64url, 43 characters (RFC 7636, section 4.2); 64 hex digits are taken too.",
    example: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  },
  identifier_type: { says: "What kind of identifier it is.", example: "email", narrows: { enum: ["email"] } },
  identifier_value: {
    says: "The mail address as it was typed. Mail goes to it; upper and lower case name the same person.",
    example: "ada@example.com",
  },
  device: {
    says: "The machine that asks. One that signed the address in before keeps a limit of its own, which strangers can't use up.",
  },
  "list_sessions.[].device": { says: "The machine that asked for the link; null if it did not say." },
  platform: {
    says: "Its operating system.",
    example: "mac",
    narrows: { enum: ["mac", "windows", "linux"] },
  },
  beak_id: {
    says: "A random string that this installation made once and keeps.",
    example: "3q2-7wEjJ4K0pYcRkq8mXw",
  },
  fingerprint: { says: "A digest of the hardware.", example: "mZ0uE5y0Hq8Z1tqfJ1pRkA" },

  grant_type: {
    says: "What is exchanged; the other grant's fields are ignored.",
    example: "authorization_code",
  },
  code: {
    says: "`authorization_code`: the code of the mailed link. Works once, for 20 minutes.",
    example:
      "authzcode_2hF4hH2mK8sXq0Jd3VtYb7Lr9Pw.5f1c0d9a7b3e8264af90d1c2b3a4958677e8f9a0b1c2d3e4f5061728394a5b6c",
  },
  code_verifier: {
    says: "`authorization_code`: the random string whose hash went with the link's request. It never leaves the machine before (RFC 7636, section 4.1).",
    example: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  },
  "authenticate_user.redirect_uri": {
    says: "`authorization_code`: the same as in the link's request.",
    example: "https://magic.getbeak.app/",
  },
  refresh_token: {
    says: "Opaque. Good for 365 days and for one use, which answers its successor; keep the newest.",
    example:
      "01.reftok_2hF4hK9dQm3RzT6Wv1XcYb8Ns5J.9a8b7c6d5e4f30213243546576879809a1b2c3d4e5f60718293a4b5c6d7e8f90",
  },
  access_token: {
    says: "A JWS for the `authorization` header (RFC 9068). Opaque to a client: whether it is still good is only told by a call.",
    example: "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJ1c2VyXzAifQ.c2lnbmF0dXJl",
  },
  token_type: { says: "How the access token is sent.", example: "bearer" },
  expires_in: {
    says: "Seconds until the access token ends.",
    example: 3600,
    narrows: { type: "integer", minimum: 0 },
  },
  expires_at: moment("When the access token ends."),

  level: {
    says: "`general` is a yes to news and offers by mail, `none` a no.",
    example: "general",
  },
  email: { says: "An address.", example: "ada@example.com" },

  "list_news_items.[].id": { says: `The item. ${ID}`, example: "newsitem_2hF4hPq1ZsXw7Lk5Nd0Rm3Vt8Yc" },
  primary: { says: "The banner to show." },
  fallback: {
    says: "The banner for a client that does not know `primary.code`; null for none.",
    example: null,
  },
  "list_news_items.[].primary.code": { says: "The kind of banner.", example: "generic_banner" },
  "list_news_items.[].fallback.code": { says: "The kind of banner.", example: "generic_banner" },
  dismissible: { says: "Whether a person may close it.", example: true },
  payload: { says: "What it shows, as plain text." },
  emoji: { says: "Stands before the title.", example: "🐦" },
  title: { says: "One line.", example: "Beak 2 is here" },
  body: { says: "A sentence or two.", example: "It sends requests twice as fast." },
  action: { says: "A button; null for none." },
  cta: { says: "What is on the button.", example: "See what is new" },
  url: { says: "Where it leads.", example: "https://getbeak.app/", narrows: { format: "uri" } },

  "get_subscription_status.status": {
    says: "Stripe's word for a subscription that can be used. `past_due`: a payment failed and is tried again.",
    example: "active",
    narrows: { enum: ["active", "trialing", "past_due", "incomplete"] },
  },
  billing_portal_url: {
    says: "Stripe's portal, where the person changes or ends the subscription. A short-lived credential: open it, never keep it. Null if Stripe does not answer in time.",
    example: "https://billing.stripe.com/p/session/test_YWNjdF8x",
    narrows: { format: "uri" },
  },
  start_date: moment("When the current period began.", "2026-03-01T00:00:00.000Z"),
  end_date: moment("When access ends unless the subscription goes on.", "2026-04-01T00:00:00.000Z"),
  cancel_at: moment("When it will end, if that was asked for.", null),
  cancel_type: {
    says: "`period_end`: it runs to the end of what was paid; `immediate`: it was ended at once; null: nobody ended it.",
    example: null,
    narrows: { enum: ["immediate", "period_end"] },
  },
  cancelled_at: moment("When the end was asked for.", null),
  entitlement: {
    says: "A JWS that lets the app work offline until its `exp`, at most 14 days. Null for an internal caller and while a payment is disputed.",
    example: "eyJhbGciOiJFUzI1NiIsInR5cCI6ImVudGl0bGVtZW50K2p3dCJ9.eyJzdGF0dXMiOiJhY3RpdmUifQ.c2lnbmF0dXJl",
  },

  "get_user.id": { says: `The user. ${ID}`, example: USER },
  "get_user.created_at": moment("When the user first signed in, or was met in Stripe."),
  identifiers: { says: "Every address the user ever had." },
  "get_user.identifiers[].id": {
    says: `The identifier. ${ID}`,
    example: "userident_2hF4hQv8WbZr1Ym6Kc3Td0Ls9Xp",
  },
  "get_user.identifiers[].identifier_value": {
    says: "The address in lower case.",
    example: "ada@example.com",
  },
  "get_user.identifiers[].created_at": moment("When it was first met."),
  updated_at: moment("When it last changed; null if never."),
  verified_at: moment("When its owner first followed a link that was mailed to it; null if never."),
  removed_at: moment("When it was taken away; null while it is in use.", null),

  session_id: {
    says: "The session, as `list_sessions` names it.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "list_sessions.[].id": {
    says: "The session. `revoke_session` ends it.",
    example: "session_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "list_sessions.[].client_id": {
    says: "The OAuth client that signed in.",
    example: "client_000000C2kdCzNlbL1BqR5FeMatItU",
  },
  ip: { says: "The network address that signed in.", example: "203.0.113.9" },
  "list_sessions.[].created_at": moment("When it signed in."),
  last_used_at: moment("When its tokens were last refreshed, or made."),
  current: { says: "Whether it is the session of the bearer that asks.", example: true },
};
