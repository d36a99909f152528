import { optional, refine, regex, string } from "zod/mini";

const isMailbox = (value: string) => /^[^\r\n]*@[^\r\n@]+$/.test(value);

export const mailVariables = {
  /** Replaces the sender of the app. */
  MAIL_FROM: optional(string().check(refine(isMailbox))),
  /** Replaces the address for replies to the app. */
  MAIL_REPLY_TO: optional(string().check(refine(isMailbox))),
  /** The SES configuration set that publishes bounces and complaints. */
  MAIL_CONFIGURATION_SET: optional(string().check(regex(/^[A-Za-z0-9_-]{1,64}$/))),
};
