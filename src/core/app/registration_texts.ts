import { text } from "#core/app/text_rules.ts";

/** The texts of the mails about registrations and passwords, and what they must contain. */
export const REGISTRATION_TEXTS = {
  /** The mail with the code of a registration. */
  registrationCode: {
    /** May contain `{emoji}`. */
    subject: text("code"),
    title: text(),
    preheader: text("code"),
    intro: text(),
    /** Stands below the code. */
    warning: text(),
    footer: text("security"),
  },
  /** The mail to an address that has an account, when somebody registers with it. */
  alreadyRegistered: {
    subject: text(),
    title: text(),
    opening: text(),
    forgotten: text(),
    footer: text("security"),
  },
  /** The welcome after a registration. */
  registered: { subject: text(), title: text(), opening: text() },
  /** The mail with which a person chooses a new password. */
  resetPassword: {
    subject: text(),
    title: text(),
    preheader: text(),
    intro: text(),
    button: text(),
    /** Stands above the address of the button. */
    paste: text(),
    /** Stands above the code. */
    orCode: text(),
    warning: text(),
    footer: text("security"),
  },
  /** The mail to a person for whom an administrator created an account. It may have a link. */
  accountCreated: {
    subject: text(),
    title: text(),
    opening: text(),
    /** Stands above the button with which the person chooses a password. */
    forPassword: text(),
    choosePassword: text(),
    /** Stands above the button with which the person proves the address. */
    forProof: text(),
    confirm: text(),
    /** Stands above the address of the button. */
    paste: text(),
    /** Stands below the link. */
    warning: text(),
    footer: text("security"),
  },
  /** The mail that invites a person to the account of others. */
  accountInvite: {
    subject: text(),
    title: text(),
    /** If the inviting person has proved an email address. */
    openingBy: text("inviter"),
    opening: text(),
    intro: text(),
    button: text(),
    /** Stands above the address of the button. */
    paste: text(),
    warning: text(),
    footer: text("security"),
  },
  /** The mail to an address without an account, when somebody asks for a new password. */
  noAccount: {
    subject: text(),
    title: text(),
    opening: text(),
    otherAddress: text(),
    footer: text("security"),
  },
  /** The notice after an account was deleted. */
  accountDeleted: {
    subject: text(),
    title: text(),
    opening: text("day"),
    erasure: text(),
    notYou: text("security"),
  },
  /** The notice after a password was chosen. */
  passwordChanged: {
    subject: text(),
    title: text(),
    opening: text("day"),
    signedOut: text(),
    notYou: text("security"),
  },
} as const;
