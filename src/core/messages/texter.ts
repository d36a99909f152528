import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";
import { NestError } from "#core/errors.ts";
import { Wording } from "#core/messages/wording.ts";
import type { OutgoingSms } from "#core/services/sns.ts";

/** Longest time for the carrier to accept an SMS, unless the call's deadline comes first. */
const CARRIER_LIMIT_MS = 2_000;

/** Sends SMS; implemented by `Sns`. To use another carrier, implement this interface. */
export interface SmsTransport {
  /** Makes one attempt only, so that no SMS is paid for twice. */
  sendSms(sms: OutgoingSms, limitMs: number): Promise<void>;
}

/** What an SMS says: a code, or a text without a code. */
export type SmsText = { code: string } | { note: "alreadyRegistered" | "registered" | "inUse" };

/** An SMS for one phone number. */
export interface Sms {
  /** E.164. */
  to: string;
  /** A locale of the app. */
  locale: string;
  text: SmsText;
  /** The domain of the pages for which a phone may offer to fill in the code. */
  domain: string;
}

/** Writes and sends SMS. */
export class Texter {
  readonly #transport: SmsTransport;
  readonly #words: { app: App; messages: AppMessages };
  readonly #deadline: number;

  /** @param deadline epoch milliseconds; without it, only the limit of each SMS holds */
  constructor(
    transport: SmsTransport,
    words: { app: App; messages: AppMessages },
    deadline = Number.POSITIVE_INFINITY,
  ) {
    this.#transport = transport;
    this.#words = words;
    this.#deadline = deadline;
  }

  /**
   * The same texter, bound to the deadline of one call.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): Texter {
    return new Texter(this.#transport, this.#words, deadline);
  }

  /**
   * Sends an SMS, in one attempt.
   * @throws NestError `delivery_failed`, without the number, if the carrier refuses the SMS, fails, or has no time left
   */
  async send({ to, locale, text: said, domain }: Sms): Promise<void> {
    const limitMs = Math.min(CARRIER_LIMIT_MS, this.#deadline - Date.now());
    if (limitMs <= 0) throw new NestError("delivery_failed", { detail: "no time left" });
    const wording = new Wording(this.#words.app, this.#words.messages, locale);
    const text =
      "code" in said ? codeText(wording, said.code, domain) : wording.fill(wording.texts.sms[said.note]);
    try {
      await this.#transport.sendSms({ to, text }, limitMs);
    } catch (cause) {
      const kind = cause instanceof Error ? cause.name : "unknown";
      throw new NestError("delivery_failed", { cause, detail: `SMS: ${kind}` });
    }
  }
}

/**
 * The text of an SMS with a code. The last line binds the code to a domain (Origin-bound one-time codes, WICG): a phone
 * offers it only to pages of that domain. It contains no link, because people learn not to open links in SMS.
 */
export function codeText(wording: Wording, code: string, domain: string): string {
  return `${wording.fill(wording.texts.sms.code, { code })}\n\n@${domain} #${code}`;
}
