import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { RegistrationMessage } from "#core/repositories/pending_registration.ts";
import { attemptOf } from "#core/repositories/registration_writes.ts";
import { mayRun } from "#core/verifications/attempt.ts";

/**
 * What a registration does. `create`: it creates the user. `resume`: it completes the registration that an earlier call left.
 * `refuse`: it says that somebody has the address. `send_code`: it sends a code that creates the user, or proves the address.
 * `tell_owner`: it sends the owner of the address a message without a code.
 */
export type RegistrationStep = "create" | "resume" | "refuse" | "send_code" | "tell_owner";

type Found = Pick<Identifier, "claimedBy" | "verifiedAt" | "registration">;

/**
 * Decides what a registration does for an address, without I/O. An address that somebody claimed and nobody proved gets a code
 * in the mode `verify_first`: its owner may be the person who registers now.
 * @param found the active identifier of the address, or null. Pending identifiers claim nothing, so they count as none
 */
export function judgeRegistration(
  { registrationMode }: Pick<OAuthClient, "registrationMode">,
  found: Found | null,
  now: Date,
): RegistrationStep {
  if (registrationMode === "verify_first") return found?.verifiedAt ? "tell_owner" : "send_code";
  if (found === null) return "create";
  const attempt = attemptOf(found.registration);
  // What an administrator left incomplete only an administrator completes: the user may have roles.
  if (found.verifiedAt !== null || attempt === null || found.claimedBy === "admin") return "refuse";
  return mayRun(attempt, now) ? "refuse" : "resume";
}

/** What the caller wants to be sent. */
export interface RegistrationOptions {
  /** A welcome by mail. */
  sendEmail: boolean;
  /** A welcome by SMS. */
  sendSms: boolean;
  /** A link with which the person chooses a password, if they have not given one. */
  sendResetEmail: boolean;
  /** A code that proves the address. In the mode `verify_first` it is always sent. */
  verifyEmail: boolean;
}

interface Registered {
  hasPassword: boolean;
  /** Whether the registration is about an email address. */
  isMail: boolean;
}

/** The messages that follow a registration. Mails need an address; the reset is for a person without a password. */
export function messagesOf(
  { sendEmail, sendSms, sendResetEmail }: RegistrationOptions,
  { hasPassword, isMail }: Registered,
): RegistrationMessage[] {
  return [
    ...(sendEmail && isMail ? (["welcome_mail"] as const) : []),
    ...(sendSms ? (["welcome_sms"] as const) : []),
    ...(sendResetEmail && isMail && !hasPassword ? (["reset_mail"] as const) : []),
  ];
}
