import type { Call } from "#core/call.ts";
import { type ErrorCode, NestError } from "#core/errors.ts";
import { auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import { derivedIdOf } from "#core/ids.ts";
import { networkOf } from "#core/network.ts";
import { refuseIfOver } from "#core/rate_limits/verdict.ts";
import type { Authorization } from "#core/repositories/authorizations.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { hashSecret } from "#core/secrets.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { settleAll } from "#core/settle.ts";
import { signInToAccount } from "#core/sign_in/chosen_account.ts";
import {
  type LinkGrantCore,
  type RedeemedAuthorization,
  signInWithLink,
} from "#core/sign_in/link_sign_in.ts";
import { redeemAuthorization } from "#core/sign_in/redeem_authorization.ts";
import { judgeProved, type PresentedCode, type RedemptionDecision } from "#core/sign_in/redemption.ts";
import { withFailureRecorded } from "#core/verifications/attempt.ts";
import { type CodeKey, readUserCode } from "#core/verifications/code_key.ts";
import {
  type CountedCode,
  countPresentedCode,
  releaseCorrectCode,
} from "#core/verifications/failure_limits.ts";

export type UserCodeCore = LinkGrantCore & { codeKey: CodeKey };

/** A user code as a client presents it. */
export interface PresentedUserCode {
  clientId: string;
  nonce: string;
  /** As the person typed it. */
  userCode: string;
  codeVerifier: string;
  redirectUri: string;
  /** The account that the person chose. Undefined: the user's default account. */
  accountId: string | undefined;
  /** The device that presents the code, if it says which. */
  beakId: string | null;
}

type Redeemable = Exclude<RedemptionDecision, { outcome: "refuse" }>;

const notFound = () => new NestError("verification_not_found");

/** The refusals of a link. For a user code they get one answer: it can be guessed, so nothing of it is revealed. */
const LINK_REFUSALS: readonly ErrorCode[] = ["authorization_not_found", "token_expired", "token_used"];

/**
 * Signs a user in with the code that stands beside a magic link in its mail. Link and code are one authorization, which
 * is redeemed once. Every presented code is counted before it is compared: on its link, which allows five, and for its
 * address. All refusals get the same error. A redemption is resumed as that of a link, by the same code.
 * @throws NestError client_not_found, verification_not_found, account_not_found, rate_limited, unavailable
 */
export async function redeemUserCode(
  core: UserCodeCore,
  code: PresentedUserCode,
  call: Call,
): Promise<TokenPair> {
  const client = core.oauthClients.require(code.clientId);
  // A code must not be used up when no token can be signed.
  await core.signer.key();
  const now = core.clock.now();
  const link = await core.authorizations.countUserCode(hashSecret(code.nonce), now.toISOString());
  if (!link) {
    refuseIfOver([await core.rateLimiter.countOne("failures_per_network", networkOf(call.ip))]);
    throw notFound();
  }
  const { counted, identifier } = await countCode(core, link, code, call);
  const { nonce: secret, accountId, ...presented } = code;
  const proof: PresentedCode = { ...presented, id: link._id, secret, isUserCode: true };
  const decision = judgeUserCode(core, link, { code, proof }, now);
  // If there is no user, the row names a user who does not exist, so that both cases take the same steps.
  const userId = identifier?.userId ?? derivedIdOf(link._id, "user");
  const audit = (error: ErrorCode) =>
    auditNow(core, signInFailed(link, { userId }, call, now.toISOString()), error);
  if (decision === null) {
    await audit("verification_not_found");
    throw notFound();
  }
  const release = () => releaseCorrectCode(core, counted);
  const recordRefusal = () => settleAll([release(), audit("account_not_found")]);
  const chosen = { accountId, findIdentifier: async () => identifier, provesIdentifier: true, recordRefusal };
  const signIn = { client, secret, amr: ["otp" as const], accountId, now, call };
  const recordFailure = () => core.authorizations.recordFailedRedemption(link._id, now.toISOString());
  return withFailureRecorded(recordFailure, () =>
    signInToAccount(core, chosen, call, async () => {
      const redeemed = await redeem(core, { decision, proof }, { now, call });
      const [pair] = await settleAll([signInWithLink(core, redeemed, signIn), release()]);
      return pair;
    }),
  );
}

/** Redeems or resumes the link of a correct code. All refusals get the same error. */
function redeem(
  core: UserCodeCore,
  { decision, proof }: { decision: Redeemable; proof: PresentedCode },
  running: { now: Date; call: Call },
): Promise<RedeemedAuthorization> {
  return redeemAuthorization(core, decision, proof, running).catch((error: unknown) => {
    throw error instanceof NestError && LINK_REFUSALS.includes(error.code) ? notFound() : error;
  });
}

/** @returns null if the code, the client, the redirect URI or the verifier is wrong, or the link can't be redeemed */
function judgeUserCode(
  { codeKey }: { codeKey: CodeKey },
  link: Authorization,
  { code, proof }: { code: PresentedUserCode; proof: PresentedCode },
  now: Date,
): Redeemable | null {
  if (!codeKey.matches(link._id, readUserCode(code.userCode), link.userCodeHash ?? "")) return null;
  const decision = judgeProved(link, proof, now);
  return decision.outcome === "refuse" ? null : decision;
}

/** Counts the code for its address, and reads the identifier meanwhile. @throws NestError rate_limited, unavailable */
async function countCode(
  core: UserCodeCore,
  { identifierValue, device }: Authorization,
  { beakId }: PresentedUserCode,
  call: Call,
): Promise<{ counted: CountedCode; identifier: Identifier | null }> {
  const reading = core.identifiers.findActive("email", identifierValue);
  const presented = { identity: identifierValue, beakId: beakId ?? device?.beakId ?? null, call };
  const [counted, identifier] = await Promise.all([countPresentedCode(core, presented, reading), reading]);
  return { counted, identifier };
}
