import { type SESv2Client, type SESv2ServiceException, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { renderMail } from "#core/email/render.ts";
import type { TemplateName, TemplateVariables } from "#core/email/templates/index.ts";
import { NestError } from "#core/errors.ts";

/** SES gets this long, or what is left of the call (contract 1.1). */
const SES_LIMIT_MS = 2_000;

export interface Mail<Name extends TemplateName> {
  /** One address, already parsed: no display name, no list. */
  to: string;
  template: Name;
  variables: TemplateVariables<Name>;
}

/** Sends mail through SES v2. */
export class Mailer {
  readonly #ses: SESv2Client;
  readonly #sender: { from: string; replyTo?: string | undefined };

  constructor(ses: SESv2Client, sender: { from: string; replyTo?: string | undefined }) {
    this.#ses = ses;
    this.#sender = sender;
  }

  /**
   * Renders and sends one mail, in one attempt.
   * @param deadline epoch ms by which the call must have answered
   * @throws NestError email_not_sent, holding no address, if SES refuses, fails, or has no time to answer
   */
  async send<Name extends TemplateName>(mail: Mail<Name>, deadline: number): Promise<void> {
    const limit = Math.min(SES_LIMIT_MS, deadline - Date.now());
    if (limit <= 0) throw new NestError("email_not_sent", { detail: "no time left" });
    const { subject, html, text } = renderMail(mail.template, mail.variables);
    const part = (Data: string) => ({ Data, Charset: "UTF-8" });
    const command = new SendEmailCommand({
      FromEmailAddress: this.#sender.from,
      ...(this.#sender.replyTo === undefined ? {} : { ReplyToAddresses: [this.#sender.replyTo] }),
      Destination: { ToAddresses: [mail.to] },
      Content: { Simple: { Subject: part(subject), Body: { Html: part(html), Text: part(text) } } },
    });
    try {
      await this.#ses.send(command, { abortSignal: AbortSignal.timeout(limit) });
    } catch (cause) {
      const kind = cause instanceof Error ? cause.name : "unknown";
      throw new NestError("email_not_sent", { cause, detail: `SES: ${kind}` });
    }
  }
}

/** Whether a mail that `send` gave up may have gone out all the same: SES was asked and did not refuse it. */
export function mayHaveGone(error: unknown): boolean {
  if (!(error instanceof NestError && error.cause instanceof Error)) return false;
  const { $metadata } = error.cause as Partial<SESv2ServiceException>;
  return $metadata?.httpStatusCode === undefined;
}
