import type { Core } from "#core/core.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { passwordSet } from "#core/events/reset_events.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { PendingRegistration } from "#core/repositories/pending_registration.ts";
import { settleAll } from "#core/settle.ts";
import { addPhone } from "#core/sign_in/registration/add_phone.ts";

/** What a registration stores for its user. */
type Registered = Pick<PendingRegistration, "password" | "phone"> & {
  /** Whether nobody has proved the address. Default: it is proved. */
  isProvisional?: boolean;
};

/** Stores the password and the phone number of a registration. Safe to repeat. */
export async function storeRegistered(
  core: Pick<Core, "passwords" | "pendingIdentifiers">,
  identifier: Pick<Identifier, "userId">,
  registered: Registered | undefined,
  now: { source: EventSource; at: string },
): Promise<void> {
  if (!registered) return;
  await settleAll([
    storePassword(core, identifier, registered, now),
    addPhone(core, identifier.userId, registered.phone, now),
  ]);
}

/** Stores the first password of a user. A user who has one keeps it, unless it is provisional. Safe to repeat. */
async function storePassword(
  core: Pick<Core, "passwords">,
  { userId }: Pick<Identifier, "userId">,
  { password, isProvisional = false }: Registered,
  { source, at }: { source: EventSource; at: string },
): Promise<void> {
  if (password === null) return;
  const set = { ...password, setBy: "user", mustChange: false, isProvisional } as const;
  await core.passwords.insert(userId, set, { now: at, events: [passwordSet(userId, source, at)] });
}
