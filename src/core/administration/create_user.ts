import { joinAccount, requireAccount } from "#core/administration/created_member.ts";
import {
  type CreationMail,
  chooseMail,
  type MailOptions,
  type PreparedMail,
  pageOfMail,
  prepareMail,
} from "#core/administration/creation_mail.ts";
import type { Call, Caller } from "#core/call.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { byCaller } from "#core/events/event_source.ts";
import { newId } from "#core/ids.ts";
import { isSuppressed } from "#core/messages/mail_events.ts";
import type { Mailer } from "#core/messages/mailer.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import { attemptOf } from "#core/repositories/registration_writes.ts";
import type { Role } from "#core/repositories/roles.ts";
import type { User } from "#core/repositories/users.ts";
import { rightsOfCaller } from "#core/roles/rights.ts";
import { judgeUserRoles, setUserRoles, type UserRolesCore } from "#core/roles/set_user_roles.ts";
import { settleAll } from "#core/settle.ts";
import { sendMail } from "#core/sign_in/code_channel.ts";
import { ensureUserWithAccount, type UserCreationCore } from "#core/users/create_user.ts";
import { newIdentifier } from "#core/users/sign_in_user.ts";
import { mayRun, withFailureRecorded } from "#core/verifications/attempt.ts";
import type { CodeKey } from "#core/verifications/code_key.ts";
import type { CodeTarget } from "#core/verifications/code_request.ts";

export type CreateUserCore = UserRolesCore &
  UserCreationCore &
  Pick<Core, "clock" | "identifiers" | "log" | "mailEvents" | "stage" | "verifications"> & {
    codeKey: CodeKey;
    mailer: Mailer;
  };

/** A user whom an administrator creates. */
export interface NewUser {
  /** Whose page the link of the mail opens. */
  client: OAuthClient;
  target: CodeTarget;
  name: string | null;
  metadata: Record<string, string> | undefined;
  /** Keys of platform roles. */
  roles: readonly string[];
  /** The account that the user joins, as the default account. Undefined: the user has only an account of their own. */
  accountId: string | undefined;
  /** Default: the first redirect URI of the client. */
  redirectUri: string | undefined;
  options: MailOptions;
}

interface Creating {
  caller: Caller;
  call: Call;
  /** The app's own platform roles. */
  own: readonly Role[];
}

/** The mail that the new user gets; null: none. */
interface PlannedMail {
  kind: CreationMail | null;
  page: string | null;
}

/**
 * Creates a user who has an address or number that nobody has proved. The insert of the identifier decides who gets it: one of any
 * number of simultaneous calls. There is no password: the person chooses one by the link of the mail. If a call stops after the
 * insert, or its mail can't be sent, the same request completes it.
 * @returns the user, with the identifier
 * @throws NestError invalid_redirect_uri, role_not_found, capability_escalation, account_not_found, identifier_taken,
 *   delivery_failed, unavailable
 */
export async function createUser(
  core: CreateUserCore,
  wanted: NewUser,
  creating: Creating,
): Promise<{ user: User; identifier: Identifier }> {
  const { client, target, roles, options, redirectUri, accountId } = wanted;
  judgeUserRoles({}, roles, creating.own, rightsOfCaller(creating.caller));
  const kind = chooseMail(client, target.type, options);
  const planned = { kind, page: pageOfMail(client, kind, redirectUri) };
  if (accountId !== undefined) await requireAccount(core, accountId);
  const now = core.clock.now();
  const identifier = await claim(core, target, creating, now);
  const recordFailure = () => core.identifiers.recordFailedRegistration(identifier._id, now.toISOString());
  return withFailureRecorded(recordFailure, async () => {
    const user = await complete(core, wanted, planned, { ...creating, identifier, now });
    core.log.info("user_created", { user_id: user._id, client_id: client.id });
    return { user, identifier };
  });
}

/**
 * Claims the identifier for a new user, or goes on where an administrator's call stopped.
 * @throws NestError identifier_taken
 */
async function claim(
  core: CreateUserCore,
  { type, identity }: CodeTarget,
  { caller, call }: Creating,
  now: Date,
): Promise<Identifier> {
  const at = now.toISOString();
  const found = await core.identifiers.findActive(type, identity);
  if (found === null) {
    const fresh = newIdentifier({ identity, type }, newId("user"), byCaller(caller, call), at);
    const claimed = { ...fresh, registration: { startedAt: at }, claimedBy: "admin" } as const;
    if (await core.identifiers.insert(claimed)) return claimed;
    throw new NestError("identifier_taken");
  }
  const attempt = attemptOf(found.registration);
  const isResumable = found.claimedBy === "admin" && attempt !== null && !mayRun(attempt, now);
  const resumed = isResumable
    ? await core.identifiers.resumeRegistration(found._id, attempt.startedAt, at)
    : null;
  if (resumed === null) throw new NestError("identifier_taken");
  return resumed;
}

/** Writes everything else. Each write can be repeated. */
async function complete(
  core: CreateUserCore,
  wanted: NewUser,
  { kind, page }: PlannedMail,
  { identifier, now, ...creating }: Creating & { identifier: Identifier; now: Date },
): Promise<User> {
  const { client, target, roles, name, metadata, accountId } = wanted;
  const { userId, createdAt } = identifier;
  const source = byCaller(creating.caller, creating.call);
  const prepared =
    kind === null ? null : prepareMail(core, { client, target, page }, { identifier, kind }, { source, now });
  const verification = prepared?.verification ?? null;
  await settleAll([
    ensureUserWithAccount(core, userId, createdAt, { name, accountName: null, metadata, accountId }),
    accountId === undefined ? null : joinAccount(core, identifier, accountId, { source, at: createdAt }),
    verification && core.verifications.insert(verification),
  ]);
  if (roles.length > 0)
    await setUserRoles(core, { userId, keys: roles }, { rights: rightsOfCaller(creating.caller), source });
  const [user] = await settleAll([
    core.users.find(userId),
    prepared && send(core, wanted, prepared),
    verification && core.verifications.revokeEarlier(verification, now.toISOString()),
  ]);
  if (user === null) throw new NestError("unavailable", { detail: "the user was erased meanwhile" });
  // False if the owner of the address began to prove it meanwhile: the user is complete all the same.
  await core.identifiers.completeRegistration(identifier._id, now.toISOString());
  return user;
}

/** An address with a hard bounce gets no mail. @throws NestError delivery_failed */
async function send(
  core: CreateUserCore,
  { client, target }: NewUser,
  { mail }: PreparedMail,
): Promise<void> {
  if (target.type !== "email" || (await isSuppressed(core, target.address))) return;
  await sendMail(core.mailer, { to: target.address.recipient, locale: client.locale, ...mail });
}
