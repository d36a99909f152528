import type { CallOptions, Reply, TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const INTERNAL: CallOptions = { internal: true };

/** Sets the platform roles of a user as an internal caller. @throws Error if that fails */
export async function setRoles(nest: TestNest, user_id: string, roles: readonly string[]): Promise<void> {
  done(await nest.call(`${V3}set_user_roles`, { user_id, roles }, INTERNAL));
}

/** A platform role of a test. */
interface TestRole {
  key: string;
  level?: number;
  capabilities?: readonly string[];
  /** The user who gets the role and no other. */
  user_id?: string;
}

/** Defines a platform role as an internal caller, and gives it to a user. @throws Error if that fails */
export async function giveRole(
  nest: TestNest,
  { key, level = 10, capabilities = ["users.read"], user_id }: TestRole,
): Promise<void> {
  const role = { scope: "platform", key, name: `Role ${key}`, level, capabilities };
  done(await nest.call(`${V3}set_role`, role, INTERNAL));
  if (user_id !== undefined) await setRoles(nest, user_id, [key]);
}

function done({ status, raw }: Reply): void {
  if (status !== 200) throw new Error(`an answer of ${status}: ${raw}`);
}
