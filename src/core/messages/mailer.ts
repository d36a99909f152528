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

/** Renders our mails and sends them. */
export class Mailer {
  readonly #carrier: MailCarrier;
  readonly #sender: { from: string; replyTo?: string | undefined };

  constructor(carrier: MailCarrier, sender: { from: string; replyTo?: string | undefined }) {
    this.#carrier = carrier;
    this.#sender = sender;
  }

  /**
   * Renders and sends one mail, in one attempt.
   * @param deadline epoch ms by which the call must have answered
   * @throws NestError email_not_sent, holding no address, if SES refuses, fails, or has no time to answer
   */
  async send<Name extends TemplateName>(mail: Mail<Name>, deadline: number): Promise<void> {
    const limitMs = Math.min(SES_LIMIT_MS, deadline - Date.now());
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
