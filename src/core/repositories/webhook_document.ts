import type { Outbox, StoredEvent } from "#core/repositories/outbox.ts";

/** One of the secrets that sign the messages of a webhook. */
export interface StoredWebhookSecret {
  /** Encrypted with a key of WEBHOOK_KEYS. */
  value: string;
  /** Until then it signs, ISO; null for the newest. */
  expiresAt: string | null;
}

/** Why Nest disabled a webhook. `gone`: the receiver answered 410. `failing`: every delivery failed for 5 days. */
export type DisabledReason = "gone" | "failing";

/** A URL that gets events. */
export interface Webhook extends Outbox {
  /** webhook_<ksuid> */
  _id: string;
  /** A number from 1 on that no other webhook has, until it is deleted: it limits their number. */
  slot: number;
  url: string;
  description: string | null;
  /** The types of events that it gets; `*`: all. */
  eventTypes: string[];
  /** It gets events of these clients only; empty: of all, and those of no client. */
  clientIds: string[];
  /** The newest first. Empty once it is deleted. */
  secrets: StoredWebhookSecret[];
  enabled: boolean;
  /** Since when every delivery has failed, ISO; null: the last one succeeded. */
  failingSince: string | null;
  /** Why Nest disabled it; null if an administrator did, or if it is enabled. */
  disabledReason: DisabledReason | null;
  /** The run that sends to it, and until when no other run does, ISO. Absent: none does. */
  lane?: { owner: string; until: string };
  /** When the notice that Nest disabled it is due, ISO; absent: no notice is due. */
  noticeDueAt?: string;
  createdAt: string;
  updatedAt: string | null;
  removedAt: string | null;
  /** 30 days after it was deleted. */
  purgeAt?: Date;
}

/** What an administrator chooses of a webhook. */
export type WebhookContent = Pick<Webhook, "url" | "description" | "eventTypes" | "clientIds" | "enabled">;

/** A change of a webhook. */
export interface WebhookWrite {
  at: string;
  events: readonly StoredEvent[];
}
