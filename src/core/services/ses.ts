import type { Environment } from "#core/config.ts";
import { AwsService } from "#core/services/aws.ts";

/** One email to one recipient. */
export interface OutgoingMail {
  from: string;
  replyTo: string | undefined;
  to: string;
  subject: string;
  html: string;
  text: string;
}

/** The SES v2 client, limited to `SendEmail`. */
export class Ses {
  readonly #service: AwsService;
  readonly #configurationSet: string | undefined;

  /**
   * @param configurationSet the SES configuration set, which publishes bounces and complaints
   * @throws ConfigError without credentials, unless the SES endpoint is on loopback
   */
  constructor(environment: Environment, configurationSet?: string) {
    this.#service = new AwsService("ses", environment);
    this.#configurationSet = configurationSet;
  }

  /**
   * Calls `SendEmail` once. It is not idempotent, so it is never retried; the user can ask for another link.
   * @param limitMs time for the request, in milliseconds
   * @throws AwsError with the error type of SES as its name, such as `MessageRejected`
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
