import type { Call } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import type { Texter } from "#core/messages/texter.ts";
import type { RateLimiter } from "#core/rate_limits/rate_limiter.ts";
import type { Sampled } from "#core/rate_limits/sampling.ts";
import { countLinkRequest, countMail, releaseLink } from "#core/sign_in/link_limits.ts";
import type { CheckedCode, CodeTarget } from "#core/verifications/code_request.ts";
import { countDailySms, countSms, releaseSms } from "#core/verifications/sms_limits.ts";

export type ChannelCore = Pick<Core, "app" | "clock" | "identifiers" | "log" | "mailEvents" | "trials"> & {
  mailer: Mailer;
  rateLimiter: RateLimiter;
  texter: Texter;
};

/** A message with a code that is within its first limits. */
export interface Channel {
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
  deliver(code: string, deadline: number | null): Promise<void>;
  /** Releases the counts of a message that was not sent. @param mayBeSent whether it may have been sent all the same */
  release(mayBeSent: boolean): Promise<void>;
}

/**
 * Counts a code request against the limits of its identifier and network.
 * @throws NestError rate_limited, unavailable
 */
export function openChannel(core: ChannelCore, checked: CheckedCode, call: Call): Promise<Channel> {
  const { target } = checked;
  return target.type === "phone"
    ? openSms(core, checked, target, call)
    : openMail(core, checked, target, call);
}

async function openMail(
  core: ChannelCore,
  { client, device }: CheckedCode,
  { identity, address }: Extract<CodeTarget, { type: "email" }>,
  call: Call,
): Promise<Channel> {
  const limited = { ...core, rateLimiter: core.rateLimiter.closed };
  // Read for known and unknown addresses alike.
  const [link, identifier] = await Promise.all([
    countLinkRequest(limited, { address, device, call, isTrial: false, isCode: true }),
    core.identifiers.findActive("email", identity),
  ]);
  let sampled: Sampled | null = null;
  return {
    isKnown: isProved(identifier),
    async admit() {
      const [suppressed, counted] = await Promise.all([isSuppressed(core, address), countMail(core, link)]);
      sampled = counted;
      if (suppressed) core.log.warn("mail_suppressed", { request_id: call.requestId });
      return !suppressed;
    },
    async deliver(code, deadline) {
      const mail = { to: address.recipient, locale: client.locale, template: "sign_in_code" as const };
      try {
        await within(core.mailer, deadline).send({ ...mail, variables: { code } });
      } catch (error) {
        const { cause, detail } = error as NestError;
        throw new NestError("delivery_failed", { cause, detail });
      }
    },
    release: (mayBeSent) => releaseLink(core, { ...link, sampled }, mayBeSent),
  };
}

async function openSms(
  core: ChannelCore,
  { client }: CheckedCode,
  { identity }: Extract<CodeTarget, { type: "phone" }>,
  call: Call,
): Promise<Channel> {
  const isKnown = isProved(await core.identifiers.findActive("phone", identity));
  const counted = await countSms(core, { number: identity, isKnown }, call);
  return {
    isKnown,
    async admit() {
      await countDailySms(core, isKnown);
      return true;
    },
    deliver: (code, deadline) =>
      within(core.texter, deadline).sendCode({
        ...{ to: identity, locale: client.locale, code },
        domain: domainOf(core, client.origins),
      }),
    async release(mayBeSent) {
      if (!mayBeSent) await releaseSms(core, counted);
    },
  };
}

const within = <Sender extends { until(deadline: number): Sender }>(
  sender: Sender,
  deadline: number | null,
) => (deadline === null ? sender : sender.until(deadline));

const isProved = (identifier: { verifiedAt: string | null } | null) => Boolean(identifier?.verifiedAt);

/** The domain of the page on which the code is typed: the client's own, else the app's. */
function domainOf({ app }: Pick<Core, "app">, origins: readonly string[]): string {
  const [page = app.urls.site] = origins.filter((origin) => origin.startsWith("https:"));
  return new URL(page).hostname;
}
