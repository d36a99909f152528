import type { Caller } from "#core/call.ts";
import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { type NoticeCore, sendNotice } from "#core/messages/notices.ts";

/** Mails a user that their sessions were ended: a thief who has a token may have done it. It never fails. */
export async function noticeEndedSessions(
  core: NoticeCore & { oauthClients: OAuthClients },
  { userId, count }: { userId: string; count: number },
  caller: Caller,
): Promise<void> {
  const client =
    caller.kind === "user" && caller.userId === userId ? core.oauthClients.find(caller.clientId) : null;
  const variables = { at: core.clock.now().toISOString(), count };
  await sendNotice(core, { userId, locale: client?.locale ?? null }, async () => ({
    template: "sessions_ended",
    variables,
  }));
}
