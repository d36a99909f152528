import { digitsIn } from "#tests/support/codes.ts";
import { type CallOptions, MAC, type Reply, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

type Body = Record<string, unknown>;
type Signed = Pick<Tokens, "access_token">;

/** Calls `send_verification` as a user. */
export const askToVerify = (
  nest: TestNest,
  { access_token: bearer }: Signed,
  asked: Body,
  options: CallOptions = {},
): Promise<Reply> =>
  nest.call(`${V3}send_verification`, { client_id: MAC, ...asked }, { bearer, ...options });

export const email = (identifier_value: string) => ({ identifier_type: "email", identifier_value });
export const phone = (identifier_value: string) => ({ identifier_type: "phone", identifier_value });

/** The token of a link in a mail. @throws Error if it has none */
export function tokenIn(text: string): string {
  const [, token] = /[?&]token=([0-9a-f]{64})/.exec(text) ?? [];
  if (!token) throw new Error(`no token in: ${text}`);
  return token;
}

/** A message of `send_verification`. */
export interface SentSecret {
  identifier_id: string;
  nonce: string;
  /** What `verify_identifier` takes. */
  proof: { nonce: string; code: string } | { token: string };
}

/** Asks for a message and reads its secret. @throws Error if none is sent */
export async function sentSecret(nest: TestNest, tokens: Signed, asked: Body): Promise<SentSecret> {
  const { status, body, raw } = await askToVerify(nest, tokens, asked);
  if (status !== 200) throw new Error(`send_verification answered ${status} ${raw}`);
  const { identifier_id, nonce } = body;
  const { text } = asked.identifier_type === "phone" ? nest.lastSms() : nest.lastMail();
  const proof = asked.delivery === "link" ? { token: tokenIn(text) } : { nonce, code: digitsIn(text) };
  return { identifier_id, nonce, proof };
}

/** Calls `verify_identifier`. */
export const verify = (nest: TestNest, proof: Body, options: CallOptions = {}): Promise<Reply> =>
  nest.call(`${V3}verify_identifier`, { client_id: MAC, ...proof }, options);

/** Adds a proved address or number to a user. @returns its id */
export async function addIdentifier(nest: TestNest, tokens: Signed, asked: Body): Promise<string> {
  const { identifier_id, proof } = await sentSecret(nest, tokens, asked);
  const { status, raw } = await verify(nest, proof);
  if (status !== 200) throw new Error(`verify_identifier answered ${status} ${raw}`);
  return identifier_id;
}

/** Calls a method with the id of an identifier as a user. */
export const callWith = (
  nest: TestNest,
  method: "remove_identifier" | "set_primary_identifier",
  { access_token: bearer }: Signed,
  identifier_id: string,
): Promise<Reply> => nest.call(`${V3}${method}`, { identifier_id }, { bearer });
