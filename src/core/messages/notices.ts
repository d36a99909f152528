import type { Core } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { AnyMail, Mailer } from "#core/messages/mailer.ts";
import { chooseLocale } from "#core/messages/wording.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { parseAddress } from "#core/users/address.ts";

/** The dependencies of a security notice. */
export type NoticeCore = Pick<Core, "app" | "clock" | "identifiers" | "log" | "mailEvents" | "users"> & {
  mailer: Mailer;
};

/** The longest time for which a response waits for a notice. */
const NOTICE_LIMIT_MS = 1_500;
/** The time of a call that is left for its response. */
const ANSWER_MS = 500;

/** Who gets a notice, and in which language if they chose none. */
interface Recipient {
  userId: string;
  /** The locale of the client; null: the first of the app. */
  locale: string | null;
}

/**
 * What became of a notice: `sent` to every address that should get it, `not_sent` to all of them, or `out_of_time`: the call has
 * too little time left to succeed.
 */
export type NoticeOutcome = "sent" | "not_sent" | "out_of_time";

/**
 * Mails a security notice to every verified address of a user, after the change that it is about was stored. It never fails,
 * and never takes the time that the call needs for its response: a notice that can't be sent in time is only logged.
 * @param write returns the mail, and may store what its link needs; null: no mail is sent
 * @returns what became of it; `sent` too if no mail was to be sent. Without time at its start, nothing is stored or sent
 */
export async function sendNotice(
  core: NoticeCore,
  to: Recipient,
  write: () => Promise<AnyMail | null>,
): Promise<NoticeOutcome> {
  const hasTime = () => core.mailer.within(Number.POSITIVE_INFINITY, ANSWER_MS).remainingMs() > 0;
  if (!hasTime()) {
    core.log.warn("notice_not_sent", { user_id: to.userId, reason: "no time left" });
    return "out_of_time";
  }
  const mailer = core.mailer.within(NOTICE_LIMIT_MS, ANSWER_MS);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<NoticeOutcome>((resolve) => {
    timer = setTimeout(() => resolve("not_sent"), mailer.remainingMs());
  });
  const sending = mailAll({ ...core, mailer }, to, write).then(
    (): NoticeOutcome => "sent",
    (error: unknown): NoticeOutcome => {
      core.log.warn("notice_not_sent", { user_id: to.userId, ...describeFailure(error) });
      return "not_sent";
    },
  );
  const outcome = await Promise.race([sending, late]).finally(() => clearTimeout(timer));
  return hasTime() ? outcome : "out_of_time";
}

async function mailAll(
  core: NoticeCore,
  { userId, locale }: Recipient,
  write: () => Promise<AnyMail | null>,
) {
  const [mail, identifiers, user] = await Promise.all([
    write(),
    core.identifiers.listByUser(userId),
    core.users.find(userId),
  ]);
  if (mail === null) return;
  const verified = identifiers.filter(
    (identifier) => identifier.identifierType === "email" && isVerified(identifier),
  );
  const chosen = chooseLocale(core.app, user?.locale, locale ?? undefined);
  await Promise.all(
    verified.map(async ({ identifierValue }) => {
      const address = parseAddress(identifierValue);
      if (await isSuppressed(core, address)) return;
      await core.mailer.send({ to: address.recipient, locale: chosen, ...mail });
    }),
  );
}
