import type { Core } from "#core/core.ts";
import { isVerified } from "#core/repositories/verified_identifier.ts";
import { ADMIN } from "#core/roles/built_in.ts";
import { leaveRole } from "#core/roles/leave_role.ts";

type GuardCore = Pick<Core, "adminGuards" | "clock" | "identifiers" | "users">;

/**
 * Makes a change that takes an administrator away, if another one stays who can sign in: a user who never proved an address may
 * never come.
 * @param change makes the change, or finds that it can't be made after all
 * @returns what `change` returned
 * @throws NestError last_admin, unavailable
 */
export function leaveAdmins<Result>(
  { adminGuards, clock, identifiers, users }: GuardCore,
  userId: string,
  change: () => Promise<Result>,
): Promise<Result> {
  const guard = {
    read: () => adminGuards.read(),
    decide: (...decision: Parameters<typeof adminGuards.decide>) => adminGuards.decide(...decision),
    settle: (...change: [string, string]) => adminGuards.settle(...change),
    async hasHolder(exceptIds: readonly string[]) {
      const holders = await users.listActiveHolders(ADMIN, exceptIds);
      const found = holders.length === 0 ? [] : await identifiers.listByUsers(holders);
      return found.some(isVerified);
    },
    refusal: "last_admin",
  } as const;
  return leaveRole(clock, guard, userId, change);
}
