import { optional, regex, string } from "zod/mini";
import type { Environment } from "#core/config.ts";
import { AwsService } from "#core/services/aws.ts";

export const smsVariables = {
  /** The name that phones show as the sender, in countries that allow one. */
  SMS_SENDER_ID: optional(string().check(regex(/^(?=.*[A-Za-z])[A-Za-z0-9]{1,11}$/))),
};

/** One SMS to one number. */
export interface OutgoingSms {
  /** E.164. */
  to: string;
  text: string;
}

/** The SNS client, limited to `Publish` of an SMS. */
export class Sns {
  readonly #service: AwsService;
  readonly #senderId: string | undefined;

  /** @throws ConfigError without credentials, unless the SNS endpoint is on loopback */
  constructor(environment: Environment, senderId?: string) {
    this.#service = new AwsService("sns", environment);
    this.#senderId = senderId;
  }

  /**
   * Calls `Publish` once. It is not idempotent, so it is never retried; the user can ask for another code.
   * @param limitMs time for the request, in milliseconds
   * @throws AwsError with the error code of SNS as its name, such as `Throttling`
   */
  async sendSms({ to, text }: OutgoingSms, limitMs: number): Promise<void> {
    // Transactional: SNS then prefers reliability to price.
    const attributes = { "AWS.SNS.SMS.SMSType": "Transactional", ...this.#sender() };
    const form = new URLSearchParams({ PhoneNumber: to, Message: text });
    for (const [index, [name, value]] of Object.entries(attributes).entries()) {
      const entry = `MessageAttributes.entry.${index + 1}`;
      form.set(`${entry}.Name`, name);
      form.set(`${entry}.Value.DataType`, "String");
      form.set(`${entry}.Value.StringValue`, value);
    }
    form.set("Action", "Publish");
    form.set("Version", "2010-03-31");
    await this.#service.post({
      path: "/",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form.toString(),
      limitMs,
    });
  }

  #sender(): Record<string, string> {
    return this.#senderId === undefined ? {} : { "AWS.SNS.SMS.SenderID": this.#senderId };
  }
}
