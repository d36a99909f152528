import { text } from "#core/app/text_rules.ts";

/** The texts of the mails about the addresses and numbers of a user. */
export const IDENTIFIER_TEXTS = {
  /** The mail with which a user proves an address: a code or a link. */
  verifyAddress: {
    subject: text(),
    title: text(),
    /** Stands above the code. */
    introCode: text(),
    /** Stands above the button. */
    introLink: text(),
    button: text(),
    /** Stands above the address of the button. */
    paste: text(),
    warning: text(),
    footer: text("security"),
  },
  /** The mail to an address of another user, when somebody tries to add it. */
  addressInUse: {
    subject: text(),
    title: text(),
    opening: text(),
    toAdd: text(),
    footer: text("security"),
  },
  /** The notice that an address or number was added, removed, or made the primary one. */
  addressChanged: {
    subject: text(),
    title: text(),
    added: text("day"),
    removed: text("day"),
    primary: text("day"),
    notYou: text("security"),
  },
} as const;
