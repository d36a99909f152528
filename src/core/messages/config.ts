import { optional, refine, regex, string } from "zod/mini";

const isMailbox = (value: string) => /^[^\r\n]*@[^\r\n@]+$/.test(value);

export const mailVariables = {
  /** The sender, such as `Beak App <no-reply@getbeak.app>`. */
  MAIL_FROM: string().check(refine(isMailbox)),
  MAIL_REPLY_TO: optional(string().check(refine(isMailbox))),
  /** The SES configuration set that publishes bounces and complaints. */
  MAIL_CONFIGURATION_SET: optional(string().check(regex(/^[A-Za-z0-9_-]{1,64}$/))),
};
