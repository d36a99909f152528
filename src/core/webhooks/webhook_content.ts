import type { OAuthClients } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";
import { ALL_EVENTS, WEBHOOK_EVENTS } from "#core/events/announced_types.ts";
import type { WebhookContent } from "#core/repositories/webhook_document.ts";
import type { Receiver } from "#core/services/receiver.ts";

/** A webhook as a caller sends it. A field that is absent stays as it is. */
export interface WantedWebhook {
  url?: string | undefined;
  events?: readonly string[] | undefined;
  description?: string | null | undefined;
  clientIds?: readonly string[] | undefined;
  enabled?: boolean | undefined;
}

/** The dependencies of checking a webhook. */
export interface ContentCore {
  receiver: Receiver;
  oauthClients: Pick<OAuthClients, "find">;
}

/** @returns the types without repetitions. @throws NestError unknown_event */
function readEvents(wanted: readonly string[]): string[] {
  const known: readonly string[] = WEBHOOK_EVENTS;
  if (!wanted.every((type) => type === ALL_EVENTS || known.includes(type)))
    throw new NestError("unknown_event");
  return wanted.includes(ALL_EVENTS) ? [ALL_EVENTS] : known.filter((type) => wanted.includes(type));
}

/** @throws NestError client_not_found for a client that the app does not have, or that is disabled */
function readClients({ oauthClients }: ContentCore, wanted: readonly string[]): string[] {
  const ids = [...new Set(wanted)].sort();
  if (ids.some((id) => !oauthClients.find(id))) throw new NestError("client_not_found");
  return ids;
}

/** @throws NestError webhook_url_not_allowed; `reasons` say why */
async function readUrl({ receiver }: ContentCore, url: string): Promise<string> {
  const problem = await receiver.hosts.judge(url);
  if (problem !== null) throw new NestError("webhook_url_not_allowed", { reasons: [{ code: problem }] });
  return new URL(url).href;
}

/**
 * Checks what a caller wants of a webhook.
 * @throws NestError unknown_event, client_not_found, webhook_url_not_allowed
 */
export async function readContent(
  core: ContentCore,
  { url, events, description, clientIds, enabled }: WantedWebhook,
): Promise<Partial<WebhookContent>> {
  const content = {
    ...(events !== undefined && { eventTypes: readEvents(events) }),
    ...(clientIds !== undefined && { clientIds: readClients(core, clientIds) }),
    ...(description !== undefined && { description }),
    ...(enabled !== undefined && { enabled }),
  };
  return url === undefined ? content : { ...content, url: await readUrl(core, url) };
}
