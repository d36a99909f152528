import type { Environment } from "#core/config.ts";
import { AwsService } from "#core/services/aws.ts";

/** One mail to one address. */
export interface OutgoingMail {
  from: string;
  replyTo: string | undefined;
  to: string;
  subject: string;
  html: string;
  text: string;
}

/** SES v2, for the one operation that we use. */
export class Ses {
  readonly #service: AwsService;
  readonly #configurationSet: string | undefined;

  /**
   * @param configurationSet the set of SES through which mails go; it tells of their bounces and complaints
   * @throws ConfigError without credentials, unless SES is a server on this machine
   */
  constructor(environment: Environment, configurationSet?: string) {
    this.#service = new AwsService("ses", environment);
    this.#configurationSet = configurationSet;
  }

  /**
   * `SendEmail`, in one attempt: it is not idempotent, and the person can simply ask again.
   * @throws AwsError named as SES names its refusals, `MessageRejected` for one
   */
  async sendEmail(mail: OutgoingMail, limitMs: number): Promise<void> {
    await this.#service.post({
      path: "/v2/email/outbound-emails",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(this.#body(mail)),
      limitMs,
    });
  }

  #body({ from, replyTo, to, subject, html, text }: OutgoingMail) {
    const part = (Data: string) => ({ Data, Charset: "UTF-8" });
    return {
      ConfigurationSetName: this.#configurationSet,
      Content: { Simple: { Subject: part(subject), Body: { Html: part(html), Text: part(text) } } },
      Destination: { ToAddresses: [to] },
      FromEmailAddress: from,
      ReplyToAddresses: replyTo === undefined ? undefined : [replyTo],
    };
  }
}
