import type { Call } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { AnyMail, MailChange, Mailer } from "#core/messages/mailer.ts";
import type { SmsText, Texter } from "#core/messages/texter.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Sampled } from "#core/rate_limits/sampling.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { countLinkRequest, countMail, releaseLink } from "#core/sign_in/link_limits.ts";
import type { CheckedCode, CodeTarget } from "#core/verifications/code_request.ts";
import { countDailySms, countSms, releaseSms } from "#core/verifications/sms_limits.ts";

export type ChannelCore = Pick<Core, "app" | "clock" | "identifiers" | "log" | "mailEvents" | "trials"> & {
  mailer: Mailer;
  rateLimiter: RateLimiter;
  texter: Texter;
};

export type MailChannelCore = Omit<ChannelCore, "texter">;

/** What is sent: to an address the mail, and to a number the SMS. */
export interface ChannelMessage {
  mail: AnyMail;
  /** What differs from the usual mail. */
  change?: MailChange | undefined;
  sms: SmsText;
}

/** A message that is within its first limits. */
export interface Channel {
  /** The active identifier; null if no user has it. */
  identifier: Identifier | null;
  /** Whether the identifier belongs to a user who has signed in with it. */
  isKnown: boolean;
  /**
   * Counts the message against the limits of the deployment. Runs while the verification is stored.
   * @returns false if the address can't receive mail now; the caller gets the usual response
   * @throws NestError rate_limited, unavailable
   */
  admit(): Promise<boolean>;
  /**
   * Sends the message, in one attempt.
   * @param deadline epoch milliseconds; null: the call's own
   * @throws NestError delivery_failed
   */
  deliver(message: ChannelMessage, deadline: number | null): Promise<void>;
  /** Releases the counts of a message that was not sent. @param mayBeSent whether it may have been sent all the same */
  release(mayBeSent: boolean): Promise<void>;
}

/**
 * Counts a request for a message against the limits of its identifier and network.
 * @param checked.isKnown whether the number is known although it signs nobody in: it is that of an active second factor
 * @param checked.isLink whether a mail has a link as well as a code, so that another can be requested at once
 * @throws NestError rate_limited, unavailable
 */
export function openChannel(core: ChannelCore, checked: CheckedMessage, call: Call): Promise<Channel> {
  const { target } = checked;
  return target.type === "phone"
    ? openSms(core, checked, target, call)
    : openMail(core, checked, target, call);
}

type CheckedMessage = CheckedCode & { isLink?: boolean; isKnown?: boolean };

/** As `openChannel`, for an email address. */
export async function openMail(
  core: MailChannelCore,
  { client, device, isLink = false }: CheckedMessage,
  { identity, address }: Extract<CodeTarget, { type: "email" }>,
  call: Call,
): Promise<Channel> {
  const limited = { ...core, rateLimiter: core.rateLimiter.closed };
  // Read for known and unknown addresses alike.
  const [link, identifier] = await Promise.all([
    countLinkRequest(limited, { address, device, call, isTrial: false, isCode: !isLink }),
    core.identifiers.findActive("email", identity),
  ]);
  let sampled: Sampled | null = null;
  return {
    identifier,
    isKnown: isProved(identifier),
    async admit() {
      const [suppressed, counted] = await Promise.all([isSuppressed(core, address), countMail(core, link)]);
      sampled = counted;
      if (suppressed) core.log.warn("mail_suppressed", { request_id: call.requestId });
      return !suppressed;
    },
    async deliver({ mail, change }, deadline) {
      const to = { to: address.recipient, locale: client.locale };
      await sendMail(within(core.mailer, deadline), { ...to, ...mail }, change);
      core.log.info("message_sent", { type: "email", country: null, client_id: client.id });
    },
    release: (mayBeSent) => releaseLink(core, { ...link, sampled }, mayBeSent),
  };
}

async function openSms(
  core: ChannelCore,
  { client, isKnown: isOfFactor = false }: CheckedMessage,
  target: Extract<CodeTarget, { type: "phone" }>,
  call: Call,
): Promise<Channel> {
  const { identity } = target;
  const identifier = await core.identifiers.findActive("phone", identity);
  const isKnown = isOfFactor || isProved(identifier);
  const counted = await countSms(core, { number: identity, isKnown }, call);
  return {
    identifier,
    isKnown,
    async admit() {
      await countDailySms(core, isKnown);
      return true;
    },
    deliver: ({ sms }, deadline) =>
      sendSms({ ...core, texter: within(core.texter, deadline) }, { client, target, text: sms }),
    async release(mayBeSent) {
      if (!mayBeSent) await releaseSms(core, counted);
    },
  };
}

/**
 * Sends an SMS, and logs its country: an alarm compares the SMS that were sent with the codes that came back.
 * @throws NestError delivery_failed
 */
export async function sendSms(
  core: Pick<Core, "app" | "log"> & { texter: Texter },
  sms: { client: OAuthClient; target: Pick<CodeTarget, "identity" | "country">; text: SmsText },
): Promise<void> {
  const { client, target, text } = sms;
  const domain = domainOf(core, client.origins);
  await core.texter.send({ to: target.identity, locale: client.locale, text, domain });
  core.log.info("message_sent", { type: "phone", country: target.country, client_id: client.id });
}

/** Sends a mail that the caller is told about. @throws NestError delivery_failed */
export async function sendMail(
  mailer: Mailer,
  mail: Parameters<Mailer["send"]>[0],
  change?: MailChange,
): Promise<void> {
  try {
    await mailer.send(mail, change);
  } catch (error) {
    const { cause, detail } = error as NestError;
    throw new NestError("delivery_failed", { cause, detail });
  }
}

const within = <Sender extends { until(deadline: number): Sender }>(
  sender: Sender,
  deadline: number | null,
) => (deadline === null ? sender : sender.until(deadline));

const isProved = (identifier: { verifiedAt: string | null } | null) => Boolean(identifier?.verifiedAt);

/** The domain of the page on which the code is typed: the client's own, else the app's. */
export function domainOf({ app }: Pick<Core, "app">, origins: readonly string[]): string {
  const [page = app.urls.site] = origins.filter((origin) => origin.startsWith("https:"));
  return new URL(page).hostname;
}
