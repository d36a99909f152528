import { plural, text } from "#core/app/text_rules.ts";

/** The texts of notices about sessions. */
export const NOTICE_TEXTS = {
  /** A sign-in from a device or network that the user has not used. */
  newDevice: {
    subject: text(),
    title: text(),
    opening: text("day", "time", "ip"),
    you: text(),
    notYou: text(),
    button: text(),
    footer: text("security"),
  },
  /** The other sessions were ended. */
  sessionsEnded: {
    subject: text(),
    title: text(),
    opening: plural("count", "day", "time"),
    signIn: text(),
    notYou: text("security"),
  },
  /** A second factor was added or removed, or the recovery codes were replaced. */
  mfaChanged: {
    subject: text(),
    title: text(),
    added: text("day", "time"),
    removed: text("day", "time"),
    codes: text("day", "time"),
    notYou: text("security"),
  },
  /** A recovery code took the place of a second factor. */
  recoveryCodeUsed: {
    subject: text(),
    title: text(),
    opening: text("day", "time"),
    left: plural("count"),
    notYou: text("security"),
  },
  /** An account at an OAuth provider was linked or unlinked. */
  oauthChanged: {
    subject: text(),
    title: text(),
    linked: text("provider", "day", "time"),
    unlinked: text("provider", "day", "time"),
    footer: text("security"),
  },
  /** To administrators: Nest disabled a webhook. */
  webhookDisabled: {
    subject: text(),
    title: text(),
    opening: text("host", "day", "time"),
    /** The receiver answered 410. */
    gone: text(),
    /** Every delivery failed for five days. */
    failing: text(),
    next: text(),
  },
} as const;
