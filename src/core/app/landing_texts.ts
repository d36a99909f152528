import { text } from "#core/app/text_rules.ts";

/** The texts of the landing page. */
export const LANDING_TEXTS = {
  /** The page that a magic link opens. Its texts are in no mail. */
  landing: {
    title: text(),
    /** This text, `open` and `paste` are left out if the app has no deep link. */
    opens: text(),
    /** A button. */
    open: text(),
    /** A heading. */
    paste: text(),
    pasteHelp: text(),
    /** A button. */
    copy: text(),
    copied: text(),
    incomplete: text(),
    openAgain: text(),
    /** What a person reads who comes back from an OAuth provider without being signed in, for each error. */
    oauthDeclined: text(),
    oauthAccountExists: text(),
    oauthRegistrationClosed: text(),
    oauthUnavailable: text(),
    oauthFailed: text(),
    noScript: text(),
    /** The page behind the link of an invitation to an account. */
    inviteTitle: text(),
    inviteHelp: text(),
    /** The page behind the link of the mail about a new device. */
    disownTitle: text(),
    disownHelp: text(),
    /** A button. */
    disown: text(),
    disowned: text(),
    disownFailed: text(),
    /** The page behind the link of the mail that proves an address. */
    verifyTitle: text(),
    verifyHelp: text(),
    /** A button. */
    verify: text(),
    verified: text(),
    verifyFailed: text(),
    /** The page behind the link of the mail that resets a password. */
    resetTitle: text(),
    /** A label. */
    newPassword: text(),
    /** A button. */
    reset: text(),
    resetDone: text(),
    resetExpired: text(),
    resetLimited: text(),
    resetFailed: text(),
    /** The reasons of a password that is not acceptable. */
    passwordMissing: text(),
    tooShort: text("count"),
    tooLong: text("count"),
    breached: text(),
    contextual: text(),
    /** The page on which an installed app lets a person use a passkey. */
    passkeyTitle: text(),
    passkeyHelp: text(),
    /** A button. */
    passkey: text(),
    passkeyFailed: text(),
  },
} as const;
