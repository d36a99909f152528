import type { App } from "#core/app/app.ts";
import type { AppMessages } from "#core/app/mail_texts.ts";
import { NestError } from "#core/errors.ts";
import { mailboxHeader } from "#core/messages/mailbox.ts";
import { renderMail } from "#core/messages/render.ts";
import type { TemplateName, TemplateVariables } from "#core/messages/templates/index.ts";
import { Wording } from "#core/messages/wording.ts";
import type { AwsError } from "#core/services/aws.ts";
import type { OutgoingMail } from "#core/services/ses.ts";

/** Longest time for SES to accept a mail, unless the call's deadline comes first (contract 1.1). */
const SES_LIMIT_MS = 2_000;

export interface Mail<Name extends TemplateName> {
  /** One parsed address, without a display name. */
  to: string;
  /** A locale of the app. */
  locale: string;
  template: Name;
  variables: TemplateVariables<Name>;
}

/** What differs from the rendered mail. */
export interface MailChange {
  /** The sender's address. */
  fromEmail?: string | null;
  fromName?: string | null;
  subject?: string | null;
  /** Both parts of the body. */
  parts?: Pick<OutgoingMail, "html" | "text"> | null;
}

/** Any mail, without its address. */
export type AnyMail = {
  [Name in TemplateName]: Pick<Mail<Name>, "template" | "variables">;
}[TemplateName];

/** Sends rendered mails; implemented by `Ses`. */
export interface MailTransport {
  /** Makes one attempt only, so that no mail is sent twice. */
  sendEmail(mail: OutgoingMail, limitMs: number): Promise<void>;
}

/** Who sends the mails, and what they say. */
export interface Sender {
  from: string;
  replyTo?: string | undefined;
  app: App;
  messages: AppMessages;
}

/** Renders and sends mails. */
export class Mailer {
  readonly #transport: MailTransport;
  readonly #sender: Sender;
  readonly #deadline: number;

  /** @param deadline epoch milliseconds; without it, only the limit of each mail holds */
  constructor(transport: MailTransport, sender: Sender, deadline = Number.POSITIVE_INFINITY) {
    this.#transport = transport;
    this.#sender = sender;
    this.#deadline = deadline;
  }

  /**
   * The same mailer, bound to the deadline of one call.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): Mailer {
    return new Mailer(this.#transport, this.#sender, deadline);
  }

  /**
   * The same mailer, for mail that a response does not depend on.
   * @param limitMs the longest time from now for its mail
   * @param marginMs the time of the call that is left for its response
   */
  within(limitMs: number, marginMs: number): Mailer {
    return this.until(Math.min(Date.now() + limitMs, this.#deadline - marginMs));
  }

  /** The time until its deadline, at least 0. */
  remainingMs(): number {
    return Math.max(0, this.#deadline - Date.now());
  }

  /**
   * Renders and sends one mail, in one attempt.
   * @param change what differs from the rendered mail
   * @throws NestError `email_not_sent`, without the address, if SES refuses the mail, fails, or has no time left
   */
  async send<Name extends TemplateName>(mail: Mail<Name>, change: MailChange = {}): Promise<void> {
    const limitMs = Math.min(SES_LIMIT_MS, this.#deadline - Date.now());
    if (limitMs <= 0) throw new NestError("email_not_sent", { detail: "no time left" });
    const { from, replyTo, app, messages } = this.#sender;
    const rendered = renderMail(mail.template, mail.variables, new Wording(app, messages, mail.locale));
    const outgoing = {
      from: mailboxHeader(senderOf(from, change)),
      replyTo: replyTo === undefined ? undefined : mailboxHeader(replyTo),
      to: mail.to,
      ...rendered,
      ...change.parts,
      subject: change.subject ?? rendered.subject,
    };
    try {
      await this.#transport.sendEmail(outgoing, limitMs);
    } catch (cause) {
      const kind = cause instanceof Error ? cause.name : "unknown";
      throw new NestError("email_not_sent", { cause, detail: `SES: ${kind}` });
    }
  }
}

/** The sender with another address or name. @param from such as `Acme <no-reply@acme.example>` */
function senderOf(from: string, { fromEmail, fromName }: MailChange): string {
  if (!fromEmail && !fromName) return from;
  const [, name = "", address = from] = /^([^<>]*)<([^<>]+)>$/.exec(from.trim()) ?? [];
  return `${fromName ?? name.trim()} <${fromEmail ?? address}>`;
}

/** Connection errors: the request never reached SES. */
const NOT_CONNECTED = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/** Whether a mail may have been sent although `send` failed: the request reached SES, and SES did not refuse it. */
export function mayHaveBeenSent(error: unknown): boolean {
  if (!(error instanceof NestError && error.cause instanceof Error)) return false;
  if (NOT_CONNECTED.includes(error.cause.name)) return false;
  return (error.cause as Partial<AwsError>).status == null;
}
