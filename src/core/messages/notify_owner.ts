import type { Core } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { AnyMail, Mailer } from "#core/messages/mailer.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { parseAddress } from "#core/users/address.ts";

export type NoticeCore = Pick<Core, "app" | "clock" | "log" | "mailEvents"> & { mailer: Mailer };

/**
 * Mails a notice to verified addresses of a user. A notice that can't be sent is logged: the change that it is about has been
 * made.
 * @param identifiers those that are told; numbers and addresses that are not verified or were removed get no notice
 */
export async function notifyOwner(
  core: NoticeCore,
  identifiers: readonly Identifier[],
  notice: AnyMail & { locale: string },
): Promise<void> {
  const addresses = identifiers.filter(
    (identifier) => identifier.identifierType === "email" && isVerified(identifier),
  );
  await Promise.all(
    addresses.map(async ({ identifierValue }) => {
      try {
        const address = parseAddress(identifierValue);
        if (await isSuppressed(core, address)) return;
        await core.mailer.send({ to: address.recipient, ...notice });
      } catch (error) {
        core.log.warn("notice_not_sent", { template: notice.template, ...describeFailure(error) });
      }
    }),
  );
}
