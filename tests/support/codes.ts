import { type CallOptions, linkIn, MAC, NATIVE, type Reply, type TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

export const PHONE = "+6591234567";

/** The request of a code for a phone number, with changes. */
export const codeRequest = (change: Record<string, unknown> = {}) => ({
  client_id: MAC,
  identifier_type: "phone",
  identifier_value: PHONE,
  ...change,
});

export const askForCode = (
  nest: TestNest,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> => nest.call(`${V3}send_otp`, codeRequest(change), options);

/** The six digits of a message. @throws Error if it has none */
export function digitsIn(text: string): string {
  const [, digits] = /\b(\d{6})\b/.exec(text) ?? [];
  if (!digits) throw new Error(`no code in: ${text}`);
  return digits;
}

/** Requests a code. @returns the nonce, and the code in the newest message */
export async function sentCode(
  nest: TestNest,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<{ nonce: string; code: string }> {
  const reply = await askForCode(nest, change, options);
  if (reply.status !== 200) throw new Error(`send_otp answered ${reply.status} ${reply.raw}`);
  const isMail = change.identifier_type === "email";
  const { text } = isMail ? nest.lastMail() : nest.lastSms();
  return { nonce: reply.body.nonce, code: digitsIn(text) };
}

/** Another code than a given one. */
export const wrongCode = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

export const redeemCode = (
  nest: TestNest,
  presented: { nonce: string; code: string },
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(
    `${V3}authenticate_user`,
    { client_id: MAC, grant_type: "otp", ...presented, ...change },
    options,
  );

/** Requests a link that signs in. Default: for the sample client that may have links. @returns its token */
export async function sentToken(
  nest: TestNest,
  identifier_value: string,
  change: Record<string, unknown> = {},
): Promise<string> {
  const asked = { client_id: NATIVE, identifier_type: "email", identifier_value, delivery: "link" };
  const reply = await askForCode(nest, { ...asked, ...change });
  if (reply.status !== 200) throw new Error(`send_otp answered ${reply.status} ${reply.raw}`);
  const token = linkIn(nest.lastMail()).searchParams.get("token");
  if (!token) throw new Error("the link has no token");
  return token;
}

/** Redeems the token of a link. */
export const redeemToken = (
  nest: TestNest,
  token: string,
  change: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(`${V3}authenticate_user`, { client_id: NATIVE, grant_type: "otp", token, ...change }, options);
