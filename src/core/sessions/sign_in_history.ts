import type { Clock } from "#core/clock.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import type { MailEvent } from "#core/repositories/mail_events.ts";
import type { Account } from "#core/repositories/personal_documents.ts";
import type { RefreshToken } from "#core/repositories/refresh_tokens.ts";
import type { RevokedReason, Session } from "#core/repositories/sessions.ts";
import { type AuditedCode, auditedEvents } from "#core/sessions/audited_history.ts";
import { type CodeEventCode, codeEvents } from "#core/sessions/code_history.ts";
import { disabledNote, type KnownOfUser, refusalsOf } from "#core/sessions/disabled_history.ts";
import { REVOKED_BECAUSE } from "#core/sessions/revoked_because.ts";
import { missingFactors } from "#core/sessions/second_factor_history.ts";

/** What happened, for programs. A code never changes its meaning; `what` of an event may get other words. */
export type SignInEventCode =
  | "link_requested"
  | "link_redeemed"
  | "link_redeemed_again"
  | "link_revoked"
  | "link_expired"
  | "link_redemption_failed"
  | "link_blocked"
  | "signed_in"
  | "test_token_issued"
  | "session_refreshed"
  | `session_${RevokedReason}`
  | "session_expired"
  | "mail_returned"
  | "second_factor_missing"
  | "second_factor_required"
  | CodeEventCode
  | AuditedCode;

/** One event of a user's sign-in history, in words for support staff. */
export interface SignInEvent {
  code: SignInEventCode;
  /** ISO. */
  at: string;
  /** Id of the link, the code's message, the session, the identifier, the user or the returned mail. */
  about: string;
  what: string;
  /** The user agent with which the session started, if it is about a session; null: it is not known. */
  userAgent?: string | null;
  /** The signed-in user who asked for a message, to verify an address of their own. */
  userId?: string;
}

/** The documents of a user from which the history is made. */
type HistoryOf = {
  /** When the user was disabled, ISO; absent: the user is not. */
  disabledAt?: string | undefined;
} & Pick<
  Account,
  | "auditLogs"
  | "authorizations"
  | "identifiers"
  | "mailEvents"
  | "mfaChallenges"
  | "recoveryCodes"
  | "refreshTokens"
  | "sessions"
  | "verifications"
>;

/**
 * Lists what happened to a user's links, codes, sessions, identifiers and mails, newest first, to answer "why was I
 * signed out?" and "why did the code not work?". Links and sessions are kept for 30 days after they end, codes for 7 days.
 */
export function listSignInEvents({ clock }: { clock: Clock }, account: HistoryOf): SignInEvent[] {
  const now = clock.now().toISOString();
  const refusals = refusalsOf(account.auditLogs);
  const known = { now, refusals, disabledAt: account.disabledAt };
  const events = [
    // Events of one moment keep this order: what is missing stands above the redemption that it explains.
    ...account.mfaChallenges.flatMap((challenge) => missingFactors(challenge, now)),
    ...account.authorizations.flatMap((link) => linkEvents(link, known)),
    ...account.sessions.flatMap((session) => sessionEvents(session, account.refreshTokens, now)),
    ...account.verifications.flatMap((verification) => codeEvents(verification, known)),
    ...account.mailEvents.map(mailEvent),
    ...auditedEvents(account.auditLogs, [
      ...[...account.identifiers, ...account.sessions, ...account.recoveryCodes],
    ]),
  ];
  return events.sort((one, other) => other.at.localeCompare(one.at));
}

function linkEvents(link: Authorization, { now, refusals, disabledAt }: KnownOfUser): SignInEvent[] {
  const { _id: about, createdAt, expiresAt, usedAt, revokedAt, failedRedemptions, device } = link;
  const requested = `requested a magic link${device ? ` on ${device.platform}` : ""}${disabledNote(createdAt, disabledAt)}`;
  const events: SignInEvent[] = [{ code: "link_requested", at: createdAt, about, what: requested }];
  events.push(...redemptionEvents(link, refusals));
  if (revokedAt)
    events.push({
      ...{ code: "link_revoked", at: revokedAt, about },
      what: "the link was revoked: another link signed this address in",
    });
  if (!usedAt && !revokedAt && expiresAt <= now)
    events.push({ code: "link_expired", at: expiresAt, about, what: "the link expired unused" });
  if (failedRedemptions > 0) {
    const isBlocked = failedRedemptions >= FAILED_REDEMPTIONS_LIMIT;
    const what = `failed to redeem the link ${times(failedRedemptions)}: it was not opened on the device that requested it${isBlocked ? "; the link is blocked now" : ""}`;
    const code = isBlocked ? "link_blocked" : "link_redemption_failed";
    events.push({ code, at: usedAt ?? revokedAt ?? createdAt, about, what });
  }
  return events;
}

/** Lists the redemptions of a link. Those that were refused, because its user is disabled, are rows of the audit log. */
function redemptionEvents(
  { _id: about, usedAt, redemption }: Authorization,
  refusals: KnownOfUser["refusals"],
): SignInEvent[] {
  const startedAt = redemption?.startedAt ?? usedAt;
  const startedTimes = [...new Set([usedAt, startedAt])].filter((at) => at !== null);
  const redeemedAt = startedTimes.filter((at) => !refusals.some((one) => one.of === about && one.at === at));
  return redeemedAt.map((at, index) =>
    index === 0
      ? { code: "link_redeemed", at, about, what: "redeemed the link" }
      : {
          ...{ code: "link_redeemed_again", at, about },
          what: "redeemed the link again, because the first response did not arrive",
        },
  );
}

function sessionEvents(session: Session, refreshTokens: readonly RefreshToken[], now: string): SignInEvent[] {
  const { _id: about, createdAt, lastUsedAt, expiresAt, revokedAt, revokedReason, generation } = session;
  const ofSession = { about, userAgent: session.userAgent || null };
  const where = session.device ? ` on ${session.device.platform}` : "";
  const isTest = session.rootGrant.type === "issue_token";
  const started = isTest
    ? `the internal key ${session.rootGrant.value} issued a test token for ${session.clientId}`
    : `signed in${where} with ${session.clientId}`;
  const code = isTest ? "test_token_issued" : "signed_in";
  const events: SignInEvent[] = [{ code, at: createdAt, ...ofSession, what: started }];
  if (generation > 1) {
    const newest = refreshTokens.find(
      (token) => token.sessionId === about && token.generation === generation,
    );
    const isAcknowledged = session.acknowledgedGeneration >= generation || newest?.usedAt;
    const what = `refreshed the session ${times(generation - 1)}, last at this time${isAcknowledged ? "" : "; the new tokens have not been used yet"}`;
    events.push({ code: "session_refreshed", at: lastUsedAt, ...ofSession, what });
  }
  const reason = revokedReason ?? "signed_out";
  if (revokedAt)
    events.push({
      ...{ code: `session_${reason}`, at: revokedAt, ...ofSession },
      what: `the session${where} was revoked: ${REVOKED_BECAUSE[reason]}`,
    });
  else if (expiresAt <= now)
    events.push({
      ...{ code: "session_expired", at: expiresAt, ...ofSession },
      what: `the session${where} expired`,
    });
  return events;
}

function mailEvent({ occurredAt, messageId, type, isPermanent, subType }: MailEvent): SignInEvent {
  const detail = subType ? ` (${subType})` : "";
  const effect = isPermanent ? "; no mail is sent to this address for 24 hours" : "";
  const what = `a mail was returned: ${type}${detail}${effect}`;
  return { code: "mail_returned", at: occurredAt, about: messageId, what };
}

const times = (count: number) => (count === 1 ? "once" : `${count} times`);
