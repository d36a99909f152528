import { _default, optional, refine, string } from "zod/mini";

const isMailbox = (value: string) => /^[^\r\n]*@[^\r\n@]+$/.test(value);

export const mailVariables = {
  /** The sender, such as `Beak App <no-reply@getbeak.app>`. */
  MAIL_FROM: string().check(refine(isMailbox)),
  MAIL_REPLY_TO: optional(string().check(refine(isMailbox))),
  SES_ENDPOINT: optional(string().check(refine((value) => URL.canParse(value)))),
  AWS_REGION: _default(string(), "eu-west-2"),
};
