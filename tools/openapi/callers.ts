import { policyOf } from "#entry/access.ts";
import type { Access } from "#entry/declaration.ts";
import type { Schema } from "#tools/openapi/types.ts";

const SERVICE = "a service (internal key)";
const FRESHLY = "who signed in within the last 10 minutes";

/** Whether a method accepts an internal key: as `requireAccess` does. */
export function takesInternalKey(access: Access): boolean {
  const { who, capability, account } = policyOf(access);
  return who !== "public" && who !== "user" && (account === null || capability !== null);
}

/** Whether a method uses the user of the access token if the request does not name one. */
export function usesCallerByDefault(access: Access, { properties = {}, required = [] }: Schema): boolean {
  const { who, capability, account } = policyOf(access);
  const isOwn = who === "own_user" || who === "fresh_own_user";
  // Where an account or everybody can be meant, the method's description says what a request without a user means.
  return isOwn && !(capability && account) && "user_id" in properties && !required.includes("user_id");
}

/** Says who may call a method, from its declared policy. */
export function callersOf(access: Access): string {
  const { who, capability, account } = policyOf(access);
  if (who === "public") return "anyone";
  if (who === "internal") return SERVICE;
  if (who === "user") return "the user of the bearer token";
  const own = who === "fresh_own_user" ? `, ${FRESHLY}` : "";
  const users = [
    ...(who === "own_user" || who === "fresh_own_user" ? [`the user that \`user_id\` names${own}`] : []),
    ...(account ? [memberWith(account.capability)] : []),
    ...(capability
      ? [`a user with the capability \`${capability}\`${who === "fresh" ? ` ${FRESHLY}` : ""}`]
      : []),
  ];
  const text = `${users.join(", or ")} (bearer token)`;
  return takesInternalKey(access) ? `${text}, or ${SERVICE}` : text;
}

const memberWith = (capability: string | null) =>
  capability === null
    ? "a member of the account"
    : `a member of the account whose role has the capability \`${capability}\``;
