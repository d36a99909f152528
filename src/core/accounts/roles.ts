import type { AccountRole } from "#core/repositories/account_members.ts";

/** The rank of each role: a member may act on members of a lower rank. Clients read it as `role`. */
export const ROLE_LEVELS: Readonly<Record<AccountRole, number>> = { owner: 100, admin: 80, member: 50 };
