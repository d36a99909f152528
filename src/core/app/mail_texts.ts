import { IDENTIFIER_TEXTS } from "#core/app/identifier_texts.ts";
import { LANDING_TEXTS } from "#core/app/landing_texts.ts";
import { NOTICE_TEXTS } from "#core/app/notice_texts.ts";
import { REGISTRATION_TEXTS } from "#core/app/registration_texts.ts";
import { linked, plural, text } from "#core/app/text_rules.ts";

export type { TextRule } from "#core/app/text_rules.ts";

/** The texts of a mail with a magic link. */
const linkMail = {
  /** May contain `{emoji}`, the emoji of the app. */
  subject: text(),
  title: text(),
  /** Mail clients show it next to the subject. */
  preheader: text(),
  intro: text(),
  button: text(),
  /** Stands above the address of the button, for clients in which the button does nothing. */
  paste: text(),
  footer: text("security"),
};

/** The texts of a mail about a subscription that was canceled. */
const rejectionMail = { subject: text(), title: text(), opening: text() };

/** Every text of the mails and of the landing page, and what it must contain. `app/<name>/messages/<locale>.ts` has the texts of one locale. */
export const MAIL_TEXTS = {
  magicLink: linkMail,
  trialMagicLink: linkMail,
  /** The mail with a link that works on every device. It should ask the person not to forward it. */
  signInLink: linkMail,
  /** Stands below a magic link whose mail shows a code for another device. */
  userCode: { intro: text(), warning: text() },
  /** The mail with a code. */
  signInCode: {
    /** May contain `{emoji}`. */
    subject: text("code"),
    title: text(),
    preheader: text("code"),
    intro: text(),
    /** Stands below the code. */
    warning: text(),
    footer: text("security"),
  },
  /** Keep each in the alphabet of SMS (GSM 03.38) and short: otherwise it is paid for as several SMS. */
  sms: {
    code: text("code"),
    /** To a number that has an account, when somebody registers with it. */
    alreadyRegistered: text(),
    /** The welcome after a registration. */
    registered: text(),
    /** To a number of another user, when somebody tries to add it. */
    inUse: text(),
  },
  ...REGISTRATION_TEXTS,
  ...IDENTIFIER_TEXTS,
  ...NOTICE_TEXTS,
  /** The mail after a purchase. */
  welcome: { subject: text(), title: text(), opening: text() },
  /** The mail at the beginning of a trial. */
  welcomeTrial: {
    subject: text(),
    title: text(),
    /** The title while nobody has used the trial, so that it has not begun. */
    titleUnused: text(),
    opening: text(),
  },
  /** In both welcomes. */
  welcomes: {
    signIn: text(),
    /** A button. It is left out if the app has no downloads. */
    download: text(),
    /** It is left out if the app has no documentation. */
    docs: linked(),
  },
  trialWillEnd: { subject: text(), ends: text("day"), charged: text(), notCharged: text() },
  duplicate: rejectionMail,
  replaced: rejectionMail,
  /** Sentences of both mails about a subscription that was canceled. */
  rejection: {
    canceled: text("subscription"),
    /** Which one was canceled, if a person bought two on one day. */
    later: text(),
    earlier: text(),
    refunded: text("amount"),
    credited: text("amount"),
    creditIsUsed: text(),
    creditIsNotUsed: text(),
    renewing: text("subscription"),
    ending: text("subscription", "day"),
    paymentDue: text("subscription"),
    paused: text("subscription"),
    invoiceClosed: text("subscription"),
    paidUntil: text("day"),
    trialing: text("day"),
    trialUnused: text(),
  },
  /** The value of `{subscription}` in other texts: a subscription of one interval, such as a month, or of several. */
  subscription: {
    day: plural("count", "day"),
    week: plural("count", "day"),
    month: plural("count", "day"),
    year: plural("count", "day"),
  },
  /** Sentences about a trial. */
  trial: {
    active: text("day"),
    activeFree: text("day"),
    freeThen: text(),
    chargedThen: text(),
    amountChargedThen: text("amount"),
    cancelBeforeDay: text(),
    ready: text(),
    daysBegin: plural("count"),
    unused: text("day"),
    unusedFree: text("day"),
    freeAtEnd: text(),
    chargedAtEnd: text(),
    amountChargedAtEnd: text("amount"),
    cancelBeforeEnd: text(),
  },
  footer: { questions: text("support") },
  ...LANDING_TEXTS,
} as const;

/** A text for each plural category of the language (`Intl.PluralRules`). `other` is used for categories without a text. */
export type PluralText = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;

type Texts<Rules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends { isPlural: true } ? PluralText : string;
};

/** The texts of mails in one locale. */
export type MailTexts = {
  /** How dates and amounts are written, as a language tag such as en-GB. */
  readonly formats: string;
} & { readonly [Group in keyof typeof MAIL_TEXTS]: Texts<(typeof MAIL_TEXTS)[Group]> };

/** The texts of mails in every locale of an app. */
export type AppMessages = Readonly<Record<string, MailTexts>>;

/** Types the texts of one locale, so that an editor completes them. They are checked when the app is loaded. */
export const defineMessages = (texts: MailTexts): MailTexts => texts;
