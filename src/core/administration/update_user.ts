import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { decideAgain } from "#core/decide_again.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { userDisabled, userUpdated } from "#core/events/user_events.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { ADMIN } from "#core/roles/built_in.ts";
import { leaveAdmins } from "#core/roles/leave_admins.ts";
import { requireRankOf } from "#core/roles/rank.ts";
import { hasCapability } from "#core/roles/rights.ts";
import { endAllSessions } from "#core/sessions/end_sessions.ts";
import { invalidField } from "#core/wire.ts";

export type UpdateCore = Pick<
  Core,
  "adminGuards" | "app" | "clock" | "identifiers" | "log" | "roles" | "sessions" | "users"
>;

/** What is changed of a user. A value that is null is removed; a field that is absent stays. */
export interface UserChange {
  name?: string | null | undefined;
  locale?: string | null | undefined;
  /** Replaces everything that was stored. */
  metadata?: Record<string, string> | undefined;
  status?: "active" | "disabled" | undefined;
}

/** Who changes a user. */
export interface Changing {
  caller: Caller;
  call: Call;
}

/**
 * Changes a user. Users change their own name, locale and metadata; a caller with `users.write` also those of users whose roles
 * allow no more than the caller's, and their status.
 * @returns the user as it is now, and the app's own roles
 * @throws NestError access_denied, cannot_disable_self, user_not_found, capability_escalation, last_admin, validation_failed,
 *   unavailable
 */
export async function updateUser(
  core: UpdateCore,
  userId: string,
  change: UserChange,
  changing: Changing,
): Promise<{ user: User; own: Role[] }> {
  const { caller } = changing;
  const isOwn = caller.kind === "user" && caller.userId === userId;
  if (change.status !== undefined && !hasCapability(caller, "users.write"))
    throw new NestError("access_denied");
  if (change.status === "disabled" && isOwn) throw new NestError("cannot_disable_self");
  requireLocale(core, change.locale);
  const found = await readChangeable(core, userId, caller);
  await changeProfile(core, found.user, change, changing);
  if (change.status === "disabled") await disable(core, found.user, changing);
  if (change.status === "active") await enable(core, found.user, changing);
  const user = requireUser(await core.users.find(userId));
  return { user, own: found.own };
}

/** @throws NestError validation_failed */
function requireLocale({ app: { locales } }: Pick<Core, "app">, locale: string | null | undefined): void {
  if (typeof locale === "string" && !(locales as readonly string[]).includes(locale))
    throw invalidField(["locale"], `is not one of enum values: ${locales.join(",")}`, "enum");
}

/**
 * Reads a user whom the caller may change.
 * @throws NestError user_not_found; capability_escalation for a user whose roles allow more than the caller's
 */
async function readChangeable(
  core: Pick<Core, "roles" | "users">,
  userId: string,
  caller: Caller,
): Promise<{ user: User; own: Role[] }> {
  const [found, own] = await Promise.all([core.users.find(userId), core.roles.list("platform")]);
  const user = requireUser(found);
  requireRankOf(caller, user, own);
  return { user, own };
}

/** @throws NestError user_not_found for a user who does not exist or was deleted */
function requireUser(user: User | null): User {
  if (!user || user.status === "deleted") throw new NestError("user_not_found");
  return user;
}

/** Writes what differs from what is stored, and nothing if nothing does. */
async function changeProfile(
  core: UpdateCore,
  user: User,
  { name, locale, metadata }: UserChange,
  { caller, call }: Changing,
): Promise<void> {
  const wanted = Object.entries({ name, locale, metadata }).filter(([, value]) => value !== undefined);
  const isSame = (field: string, value: unknown) =>
    JSON.stringify(value) === JSON.stringify(user[field as "name"] ?? null);
  const changed = wanted.filter(([field, value]) => !isSame(field, value));
  if (changed.length === 0) return;
  const at = core.clock.now().toISOString();
  const fields = changed.map(([field]) => field);
  const events = [userUpdated(user._id, fields, byCaller(caller, call), at)];
  await core.users.changeProfile(user._id, Object.fromEntries(changed), { at, events });
}

/**
 * Disables a user, and ends their sessions. From the first write on no token of the user is accepted, because the check of a token
 * reads the user. The sessions are ended as well, so that they stay ended if the user becomes active again. A repeated call ends what
 * a call that stopped has left.
 */
async function disable(core: UpdateCore, { _id: userId }: User, { caller, call }: Changing): Promise<void> {
  await decideAgain(async () => {
    const user = requireUser(await core.users.find(userId));
    if (user.status === "disabled") return user;
    const at = core.clock.now().toISOString();
    const events = [userDisabled(userId, byCaller(caller, call), at)];
    const write = () => core.users.disable(userId, user.roles ?? [], { at, events });
    const isAdmin = user.roles?.includes(ADMIN) === true;
    return (await (isAdmin ? leaveAdmins(core, userId, write) : write())) ? user : null;
  }, "other calls changed the user's roles");
  const sessions = await core.sessions.listUnrevoked(userId);
  const ended = { userId, sessions, keepsCurrent: false, reason: "user_disabled" as const };
  await endAllSessions(core, ended, { caller, call });
  core.log.info("user_disabled", { security_event: true, user_id: userId });
}

/**
 * Lets a user sign in again. Before, every session ends whose person signed in until now: a sign-in that had read the user before
 * they were disabled may have stored its session after the others were ended.
 */
async function enable(core: UpdateCore, { _id, status }: User, { caller, call }: Changing): Promise<void> {
  if (status !== "disabled") return;
  const at = core.clock.now().toISOString();
  await core.users.endSessions(_id, at, null);
  await core.users.enable(_id, { at, events: [userUpdated(_id, ["status"], byCaller(caller, call), at)] });
}
