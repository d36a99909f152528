import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { type ChannelCore, type ChannelMessage, openChannel } from "#core/sign_in/code_channel.ts";
import { judgeRegistration, messagesOf } from "#core/sign_in/registration/judge_registration.ts";
import {
  countRegistration,
  hashNewPassword,
  type NewPasswordCore,
  type Registration,
} from "#core/sign_in/registration/registration.ts";
import { storeAndSend } from "#core/sign_in/send_verification.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import { newVerification } from "#core/verifications/new_verification.ts";

export type RegisterFirstCore = ChannelCore &
  NewPasswordCore &
  Pick<Core, "verifications"> & { codeKey: CodeKey; rateLimiter: RateLimiter };

/** A message with a code, which completes a registration or proves an address. */
export interface SentVerification {
  nonce: string;
  expiresAt: string;
  delivery: "email" | "sms";
}

/**
 * Begins a registration: sends a code that creates the user. The response, the work and the time are the same for an address that
 * has a user; its owner gets a message without a code, and no code is accepted. The hash of the password waits on the verification.
 * @throws NestError password_not_acceptable, rate_limited, delivery_failed, unavailable
 */
export async function registerFirst(
  core: RegisterFirstCore,
  registration: Registration,
  call: Call,
): Promise<SentVerification> {
  const { client, target } = registration;
  await countRegistration(core, call);
  const password = await hashNewPassword(core, registration);
  const channel = await openChannel(core, registration, call);
  const now = core.clock.now();
  const isOwned = judgeRegistration(client, channel.identifier, now) === "tell_owner";
  const { verification, secrets } = newVerification(core, {
    ...{ purpose: "register", clientId: client.id, target, now },
    sends: { code: !isOwned },
  });
  const message = isOwned ? TO_OWNER : withCode(secrets.code);
  const pending = { ...verification, registration: pendingOf(registration, password) };
  await storeAndSend(core, channel, { verification: pending, message, isNeutral: false });
  core.log.info("registration_begun", { type: target.type, client_id: client.id });
  return { nonce: secrets.nonce, expiresAt: verification.expiresAt, delivery: deliveryTo(target) };
}

/** How a message to an address or number is sent. */
export const deliveryTo = ({ type }: Pick<Registration["target"], "type">): SentVerification["delivery"] =>
  type === "email" ? "email" : "sms";

const TO_OWNER: ChannelMessage = {
  mail: { template: "already_registered", variables: {} },
  sms: { note: "alreadyRegistered" },
};

const withCode = (code: string): ChannelMessage => ({
  mail: { template: "registration_code", variables: { code } },
  sms: { code },
});

function pendingOf(
  { target, name, accountName, phone, redirectUri, options }: Registration,
  password: { hash: string; pepperId: string } | null,
): NonNullable<Verification["registration"]> {
  const registered = { hasPassword: password !== null, isMail: target.type === "email" };
  return { password, name, accountName, phone, redirectUri, messages: messagesOf(options, registered) };
}
