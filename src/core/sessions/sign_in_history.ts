import type { Clock } from "#core/clock.ts";
import { type Authorization, FAILED_REDEMPTIONS_LIMIT } from "#core/repositories/authorizations.ts";
import type { Account } from "#core/repositories/personal_documents.ts";
import type { RevokedReason, Session } from "#core/repositories/sessions.ts";

/** One thing that happened between a person and sign-in, in words for whoever helps them. */
export interface Happening {
  at: string;
  /** The link, session or mail that it is about. */
  about: string;
  what: string;
}

const ENDED: Readonly<Record<RevokedReason, string>> = {
  signed_out: "the machine signed out",
  revoked_by_user: "ended from another machine of the same person",
  revoked_by_operator: "ended by an operator",
  refresh_token_reuse:
    "a refresh token was used again after its successor was in use, so somebody may have copied it: ended to be safe",
};

/**
 * Answers "why was I logged out?" and "why did the link not work?" from what is stored; newest first. Links and sessions
 * are kept for 30 days after their end.
 */
export function tellSignIns(
  { clock }: { clock: Clock },
  account: Pick<Account, "authorizations" | "sessions" | "refreshTokens" | "mailEvents">,
): Happening[] {
  const now = clock.now().toISOString();
  const happenings = [
    ...account.authorizations.flatMap((link) => tellLink(link, now)),
    ...account.sessions.flatMap((session) => tellSession(account, session, now)),
    ...account.mailEvents.map(({ occurredAt, messageId, type, isPermanent, subType }) => ({
      at: occurredAt,
      about: messageId,
      what: `a mail came back: ${type}${subType ? ` (${subType})` : ""}${isPermanent ? "; no mail is sent for 24 hours" : ""}`,
    })),
  ];
  return happenings.sort((one, other) => other.at.localeCompare(one.at));
}

function tellLink(link: Authorization, now: string): Happening[] {
  const { _id: about, createdAt, expiresAt, usedAt, revokedAt, failedRedemptions, device } = link;
  const told: Happening[] = [
    { at: createdAt, about, what: `asked for a link${device ? ` on ${device.platform}` : ""}` },
  ];
  const cameToNothing =
    link.sessionId === null ? ", and the sign-in failed on our side: it can be used again" : "";
  if (usedAt) told.push({ at: usedAt, about, what: `the link was used${cameToNothing}` });
  if (revokedAt) told.push({ at: revokedAt, about, what: "the link ended, because another one was used" });
  if (!usedAt && !revokedAt && expiresAt <= now)
    told.push({ at: expiresAt, about, what: "the link ran out, unused" });
  if (failedRedemptions > 0) {
    const isBurnt = failedRedemptions >= FAILED_REDEMPTIONS_LIMIT;
    const times = failedRedemptions === 1 ? "once" : `${failedRedemptions} times`;
    const what = `the link was tried ${times} from a machine that did not ask for it${isBurnt ? ", and burnt" : ""}`;
    told.push({ at: usedAt ?? revokedAt ?? createdAt, about, what });
  }
  return told;
}

function tellSession(
  { refreshTokens }: Pick<Account, "refreshTokens">,
  session: Session,
  now: string,
): Happening[] {
  const { _id: about, createdAt, lastUsedAt, expiresAt, revokedAt, revokedReason, generation } = session;
  const where = session.device ? ` on ${session.device.platform}` : "";
  const told: Happening[] = [{ at: createdAt, about, what: `signed in${where} with ${session.clientId}` }];
  if (generation > 1) {
    const newest = refreshTokens.find(
      (token) => token.sessionId === about && token.generation === generation,
    );
    const arrived = session.acknowledgedGeneration >= generation || newest?.usedAt;
    const what = `refreshed ${generation - 1} times, last at this time${arrived ? "" : "; the answer was not seen to arrive"}`;
    told.push({ at: lastUsedAt, about, what });
  }
  if (revokedAt)
    told.push({ at: revokedAt, about, what: `signed out: ${ENDED[revokedReason ?? "signed_out"]}` });
  else if (expiresAt <= now) told.push({ at: expiresAt, about, what: "signed out: the session ran out" });
  return told;
}
