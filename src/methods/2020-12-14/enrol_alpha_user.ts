/** Deprecated: the alpha program has ended. The method still exists, so that old callers get a clear error. */
import { strictObject } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ email: text() });

export const handler = rpc({
  name: "enrol_alpha_user",
  version: "2020-12-14",
  summary: "Deprecated: the alpha program has ended.",
  access: "internal",
  request,
  response: null,
  errors: ["deprecated"],
  async run() {
    throw new NestError("deprecated");
  },
});
