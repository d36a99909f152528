import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import type { Texter } from "#core/messages/texter.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { RegistrationMessage } from "#core/repositories/pending_registration.ts";
import type { Verification } from "#core/repositories/verifications.ts";
import { sendSms } from "#core/sign_in/code_channel.ts";
import { type SendResetCore, sendReset } from "#core/sign_in/reset/send_reset.ts";
import { parseAddress } from "#core/users/address.ts";
import { countDailySms, countSms, releaseSms } from "#core/verifications/sms_limits.ts";

export type FollowUpCore = SendResetCore &
  Pick<Core, "app" | "clock" | "log" | "mailEvents"> & {
    mailer: Mailer;
    texter: Texter;
    rateLimiter: RateLimiter;
  };

/** A registration that is complete. */
export interface CompleteRegistration {
  client: OAuthClient;
  /** The normalized address or number. */
  identity: string;
  /** The number that a welcome by SMS goes to; null if there is none. */
  phone: string | null;
  messages: readonly RegistrationMessage[];
  redirectUri: string;
}

/**
 * Sends the messages that follow a registration. One that can't be sent, or that a limit refuses, is logged: the user is
 * registered, and the response has their tokens.
 */
export async function sendFollowUps(
  core: FollowUpCore,
  registration: CompleteRegistration,
  call: Call,
): Promise<void> {
  await Promise.all(
    registration.messages.map((message) =>
      SENDERS[message](core, registration, call).catch((error: unknown) => {
        core.log.warn("registration_message_not_sent", { message, ...describeFailure(error) });
      }),
    ),
  );
}

/** Sends the messages of a registration that a code completed. */
export async function followUpCode(
  core: FollowUpCore,
  { registration, identifierType, identifierValue: identity }: Verification,
  { client, call }: { client: OAuthClient; call: Call },
): Promise<void> {
  if (!registration) return;
  const phone = registration.phone ?? (identifierType === "phone" ? identity : null);
  await sendFollowUps(core, { ...registration, client, identity, phone }, call);
}

type Sender = (core: FollowUpCore, registration: CompleteRegistration, call: Call) => Promise<unknown>;

const SENDERS: Readonly<Record<RegistrationMessage, Sender>> = {
  welcome_mail: sendWelcomeMail,
  welcome_sms: sendWelcomeSms,
  reset_mail: (core, { client, identity, redirectUri }, call) => {
    const address = parseAddress(identity);
    const target = { type: "email", identity, country: null, address } as const;
    return sendReset(core, { client, target, redirectUri, device: null }, call);
  },
};

/** An address with a hard bounce gets no mail: another would only hurt the sender reputation. */
async function sendWelcomeMail(
  core: FollowUpCore,
  { client, identity }: CompleteRegistration,
): Promise<void> {
  const address = parseAddress(identity);
  if (await isSuppressed(core, address)) return;
  await core.mailer.send({
    ...{ to: address.recipient, locale: client.locale },
    ...{ template: "registered", variables: {} },
  });
}

/** An SMS costs money, so the limits of codes count it. */
async function sendWelcomeSms(
  core: FollowUpCore,
  { client, phone: number }: CompleteRegistration,
  call: Call,
): Promise<void> {
  if (number === null) return;
  const counted = await countSms(core, { number, isKnown: false }, call);
  try {
    await countDailySms(core, false);
    // The metadata of phone numbers is large, and few sign-ins need it.
    const { parsePhone } = await import("#core/users/phone.ts");
    await sendSms(core, { client, target: parsePhone(number), text: { note: "registered" } });
  } catch (error) {
    await releaseSms(core, counted);
    throw error;
  }
}
