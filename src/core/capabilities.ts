/** `platform`: roles of users. `account`: roles of the members of an account. */
export const ROLE_SCOPES = ["platform", "account"] as const;
export type RoleScope = (typeof ROLE_SCOPES)[number];

/** What platform roles can allow. A closed list, so that a wrong name does not compile. */
export const PLATFORM_CAPABILITIES = [
  "users.read",
  "users.write",
  "sessions.manage",
  "audit.read",
  "roles.manage",
  "webhooks.manage",
] as const;

/** What account roles can allow, within one account. */
export const ACCOUNT_CAPABILITIES = [
  "account.users.read",
  "account.users.manage",
  "account.audit.read",
  "account.manage",
] as const;

export type PlatformCapability = (typeof PLATFORM_CAPABILITIES)[number];
export type AccountCapability = (typeof ACCOUNT_CAPABILITIES)[number];
export type Capability = PlatformCapability | AccountCapability;

/** What a caller may do on the platform. */
export interface Rights {
  capabilities: readonly Capability[];
  /** The highest level of the caller's roles, 0 to 100. */
  level: number;
}

/** What a caller may do within an account of which they are a member. */
export interface AccountRights extends Rights {
  accountId: string;
  /** The key of the caller's role; null if the role was deleted. It allows nothing then. */
  roleKey: string | null;
}

export const NO_RIGHTS: Rights = { capabilities: [], level: 0 };
/** The rights of internal callers and of the operator. */
export const ALL_RIGHTS: Rights = { capabilities: PLATFORM_CAPABILITIES, level: 100 };

/** Whether the holder of rights has every capability and the level of others, and so may grant and take them. */
export function dominates(rights: Rights, others: Rights): boolean {
  return (
    others.level <= rights.level &&
    others.capabilities.every((capability) => rights.capabilities.includes(capability))
  );
}
