import type { App } from "#core/app/app.ts";
import type { AppMessages, MailTexts, PluralText } from "#core/app/mail_texts.ts";
import { formatDay, formatMoney, type Money } from "#core/messages/formats.ts";
import type { Line, Link } from "#core/messages/mail_content.ts";

type Values = Readonly<Record<string, string>>;

/** The first of some locales that the app has, else the first locale of the app. */
export function chooseLocale({ locales }: Pick<App, "locales">, ...wanted: readonly (string | undefined)[]) {
  return wanted.find((locale) => locale !== undefined && locales.includes(locale)) ?? locales[0];
}

/** The texts of an app in one locale, and its names and addresses that they contain. */
export class Wording {
  readonly app: App;
  readonly locale: string;
  readonly texts: MailTexts;

  /** @param messages the texts of the app in each of its locales */
  constructor(app: App, messages: AppMessages, locale: string) {
    const texts = messages[locale];
    if (!texts) throw new Error(`The app has no texts in the locale ${locale}.`);
    this.app = app;
    this.locale = locale;
    this.texts = texts;
  }

  /** The last line of each mail. */
  get signOff(): string {
    return this.app.signOff[this.locale] ?? "";
  }

  /** The app as a mail names its sender, such as `✨ Acme`. */
  get brand(): string {
    return this.fill("{emoji} {app}").trim();
  }

  /** Puts values, the name of the app and its emoji into the placeholders of a text. */
  fill(text: string, values: Values = {}): string {
    const { name: app, emoji } = this.app;
    const known: Values = { app, emoji, ...values };
    return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => known[name] ?? placeholder);
  }

  /** Puts values into the text of a count. */
  fillPlural(text: PluralText, count: number, values: Values = {}): string {
    const category = new Intl.PluralRules(this.texts.formats).select(count);
    return this.fill(text[category] ?? text.other, { count: String(count), ...values });
  }

  /** Makes a link of the part of a text that is in brackets. */
  link(text: string, url: string): Line {
    return text.split(/[[\]]/).map((part, index) => {
      const label = this.fill(part);
      return index === 1 ? { label, url } : label;
    });
  }

  /** Makes links of the email addresses that the placeholders of a text stand for. */
  withAddresses(text: string, addresses: Values): Line {
    return text.split(/\{(\w+)\}/).map((part, index): string | Link => {
      if (index % 2 === 0) return part;
      const address = addresses[part];
      return address === undefined ? this.fill(`{${part}}`) : { label: address, url: `mailto:${address}` };
    });
  }

  /** An amount in the locale, such as `£4.99`. */
  money(money: Money): string {
    return formatMoney(money, this.texts.formats);
  }

  /** A date in UTC in the locale, such as `Saturday 12 December 2026`. */
  day(iso: string): string {
    return formatDay(iso, this.texts.formats);
  }
}
