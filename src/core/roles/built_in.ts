import {
  ACCOUNT_CAPABILITIES,
  type Capability,
  PLATFORM_CAPABILITIES,
  type RoleScope,
} from "#core/capabilities.ts";

/** What a role allows. */
export interface RoleDefinition {
  scope: RoleScope;
  key: string;
  name: string;
  /** 0 to 100. A caller grants and changes only roles up to their own level. */
  level: number;
  capabilities: readonly Capability[];
}

/** The platform role whose last holder stays. */
export const ADMIN = "admin";
/** The account role whose last holder stays. */
export const OWNER = "owner";
/** The account role of users who are added without another one. */
export const MEMBER = "member";
/** The platform role that every user has. It allows nothing. */
export const EVERYBODY = "user";

/** The roles of every app. They are code, so that no document can change what they allow. */
export const BUILT_IN_ROLES: readonly RoleDefinition[] = [
  { scope: "platform", key: EVERYBODY, name: "User", level: 0, capabilities: [] },
  {
    ...{ scope: "platform", key: "support", name: "Support", level: 50 },
    capabilities: ["users.read", "sessions.manage", "audit.read"],
  },
  { scope: "platform", key: ADMIN, name: "Admin", level: 100, capabilities: PLATFORM_CAPABILITIES },
  {
    ...{ scope: "account", key: MEMBER, name: "Member", level: 50 },
    capabilities: ["account.users.read"],
  },
  {
    ...{ scope: "account", key: "admin", name: "Admin", level: 80 },
    capabilities: ["account.users.read", "account.users.manage", "account.audit.read"],
  },
  { scope: "account", key: OWNER, name: "Owner", level: 100, capabilities: ACCOUNT_CAPABILITIES },
];

export const builtInRole = (scope: RoleScope, key: string): RoleDefinition | null =>
  BUILT_IN_ROLES.find((role) => role.scope === scope && role.key === key) ?? null;
