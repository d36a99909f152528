import type { Password } from "#core/repositories/passwords.ts";
import type { ResetChannel } from "#core/repositories/reset_channel.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { hashSecret } from "#core/secrets.ts";

/** The channel by which the link or code of a reset was sent. */
export const resetChannelOf = ({
  identifierType,
  identifierValue,
}: Pick<Verification, "identifierType" | "identifierValue">): ResetChannel =>
  identifierType === "email" ? { type: "email" } : { type: "phone", numberHash: hashSecret(identifierValue) };

/** The channel whose reset set a password; undefined if something else set it since, such as its user in a session. */
export const channelThatSet = ({
  setBy,
  resetBy,
}: Pick<Password, "setBy" | "resetBy">): ResetChannel | undefined =>
  setBy === "reset" ? resetBy : undefined;

/** Whether a reset was sent to a number. */
export const isNumberOf = (channel: ResetChannel | undefined, number: string | undefined): boolean =>
  channel?.type === "phone" && number !== undefined && channel.numberHash === hashSecret(number);
