import { Secret, TOTP } from "otpauth";
import { NATIVE, type Reply, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** Computes the code of an authenticator app. @param steps time steps from now */
export const appCode = (seed: string, now: Date, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(seed) }).generate({ timestamp: now.getTime() + steps * 30_000 });

/** A user with an authenticator app and a password. */
export interface Enrolled {
  userId: string;
  seed: string;
  factorId: string;
  recoveryCodes: string[];
  /** Of the session that added the factor. */
  tokens: Tokens;
}

/** Adds a factor as a signed-in user. */
export const createFactor = (
  nest: TestNest,
  { access_token: bearer }: Pick<Tokens, "access_token">,
  change: Record<string, unknown> = {},
): Promise<Reply> =>
  nest.call(`${V3}create_mfa_factor`, { factor_type: "totp", confirm: true, ...change }, { bearer });

export const verifyFactor = (
  nest: TestNest,
  { access_token: bearer }: Pick<Tokens, "access_token">,
  factor_id: string,
  code: string,
): Promise<Reply> => nest.call(`${V3}verify_mfa_factor`, { factor_id, code }, { bearer });

/** Adds an authenticator app to a user with a password. */
export async function enrol(nest: TestNest, address: string): Promise<Enrolled> {
  const userId = await givePassword(nest, address);
  const { body: tokens } = await signInWith(nest, address);
  const created = await createFactor(nest, tokens);
  if (created.status !== 200) throw new Error(`create_mfa_factor answered ${created.raw}`);
  const { factor_id: factorId, secret: seed } = created.body;
  // A code of the step before, so that the test can use the current step.
  const code = appCode(seed, nest.clock.now(), -1);
  const verified = await verifyFactor(nest, tokens, factorId, code);
  if (verified.status !== 200) throw new Error(`verify_mfa_factor answered ${verified.raw}`);
  return { userId, seed, factorId, recoveryCodes: verified.body.recovery_codes, tokens };
}

/** Presents a second factor. */
export const presentFactor = (
  nest: TestNest,
  mfa_token: string,
  presented: Record<string, unknown>,
  change: Record<string, unknown> = {},
): Promise<Reply> =>
  nest.call(`${V3}authenticate_user`, {
    ...{ client_id: NATIVE, grant_type: "mfa", mfa_token, ...presented },
    ...change,
  });

/** Presents the password of an enrolled user. @returns the token of the challenge */
export async function firstStep(nest: TestNest, address: string): Promise<string> {
  const { status, raw, body } = await signInWith(nest, address);
  if (status !== 403) throw new Error(`the password answered ${raw}`);
  return body.meta.mfa_token;
}
