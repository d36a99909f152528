/** Deprecated: the alpha is over. Still answers, so that an old caller is told so. */
import { strictObject } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ email: text() });

export const handler = rpc({
  name: "enrol_alpha_user",
  version: "2020-12-14",
  summary: "Deprecated: the alpha is over.",
  access: "internal",
  request,
  response: null,
  errors: ["deprecated"],
  async run() {
    throw new NestError("deprecated");
  },
});
