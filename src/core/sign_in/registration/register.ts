import { ownAccountId } from "#core/accounts/own_account.ts";
import type { Call } from "#core/call.ts";
import type { TokenPair } from "#core/sessions/issue_session.ts";
import { type FollowUpCore, sendFollowUps } from "#core/sign_in/registration/follow_up.ts";
import { messagesOf } from "#core/sign_in/registration/judge_registration.ts";
import {
  type RegisterFirstCore,
  registerFirst,
  type SentVerification,
} from "#core/sign_in/registration/register_first.ts";
import { type RegisterNowCore, registerNow } from "#core/sign_in/registration/register_now.ts";
import type { Registration } from "#core/sign_in/registration/registration.ts";
import { sendProof } from "#core/sign_in/registration/send_proof.ts";

/** What a registration did. */
export interface RegistrationOutcome {
  /** The code that was sent; null if none was. */
  verification: SentVerification | null;
  /** The user who was signed in; null if a code has to prove the address first. */
  registered: { pair: TokenPair; accountId: string } | null;
}

/**
 * Registers a user as the client's `registrationMode` says.
 * @throws NestError identifier_taken, password_not_acceptable, rate_limited, delivery_failed, unavailable
 */
export async function register(
  core: RegisterFirstCore & RegisterNowCore & FollowUpCore,
  registration: Registration,
  call: Call,
): Promise<RegistrationOutcome> {
  const { client, target, password, phone, redirectUri, options } = registration;
  if (client.registrationMode === "verify_first")
    return { verification: await registerFirst(core, registration, call), registered: null };
  const { pair } = await registerNow(core, registration, call);
  const isMail = target.type === "email";
  const follows = {
    ...{ client, identity: target.identity, redirectUri },
    phone: phone ?? (isMail ? null : target.identity),
    messages: messagesOf(options, { hasPassword: password !== null, isMail }),
  };
  const [verification] = await Promise.all([
    options.verifyEmail && isMail ? sendProof(core, registration, pair, call) : null,
    sendFollowUps(core, follows, call),
  ]);
  return { verification, registered: { pair, accountId: ownAccountId(pair.userId) } };
}
