import { NestError } from "#core/errors.ts";
import { renderMail } from "#core/messages/render.ts";
import type { TemplateName, TemplateVariables } from "#core/messages/templates/index.ts";
import type { AwsError } from "#core/services/aws.ts";
import type { OutgoingMail } from "#core/services/ses.ts";

/** SES gets this long, or what is left of the call (contract 1.1). */
const SES_LIMIT_MS = 2_000;

export interface Mail<Name extends TemplateName> {
  /** One address, already parsed: no display name, no list. */
  to: string;
  template: Name;
  variables: TemplateVariables<Name>;
}

/** Whatever carries a mail; `Ses` does. */
export interface MailCarrier {
  /** One attempt: whoever carries mail must not send one twice. */
  sendEmail(mail: OutgoingMail, limitMs: number): Promise<void>;
}

interface Sender {
  from: string;
  replyTo?: string | undefined;
}

/** Renders and sends mails. */
export class Mailer {
  readonly #carrier: MailCarrier;
  readonly #sender: Sender;
  readonly #deadline: number;

  /** @param deadline epoch milliseconds; without it, only the limit of each mail holds */
  constructor(carrier: MailCarrier, sender: Sender, deadline = Number.POSITIVE_INFINITY) {
    this.#carrier = carrier;
    this.#sender = sender;
    this.#deadline = deadline;
  }

  /**
   * The same mailer for one call.
   * @param deadline epoch milliseconds by which the call must be answered
   */
  until(deadline: number): Mailer {
    return new Mailer(this.#carrier, this.#sender, deadline);
  }

  /**
   * Renders and sends one mail, in one attempt.
   * @throws NestError `email_not_sent`, without the address, if SES refuses the mail, fails, or has no time left
   */
  async send<Name extends TemplateName>(mail: Mail<Name>): Promise<void> {
    const limitMs = Math.min(SES_LIMIT_MS, this.#deadline - Date.now());
    if (limitMs <= 0) throw new NestError("email_not_sent", { detail: "no time left" });
    const { from, replyTo } = this.#sender;
    const outgoing = { from, replyTo, to: mail.to, ...renderMail(mail.template, mail.variables) };
    try {
      await this.#carrier.sendEmail(outgoing, limitMs);
    } catch (cause) {
      const kind = cause instanceof Error ? cause.name : "unknown";
      throw new NestError("email_not_sent", { cause, detail: `SES: ${kind}` });
    }
  }
}

/** Where there was no connection, SES heard of nothing. */
const NOT_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/** Whether a mail that `send` gave up may have gone out all the same: SES was asked and did not refuse it. */
export function mayHaveGone(error: unknown): boolean {
  if (!(error instanceof NestError && error.cause instanceof Error)) return false;
  if (NOT_CONNECTED.includes(error.cause.name)) return false;
  return (error.cause as Partial<AwsError>).status == null;
}
