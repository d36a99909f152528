import type { Requests, Responses } from "#client/index.ts";
import { describeRefusal } from "#core/sessions/refusal_words.ts";
import { REVOKED_BECAUSE } from "#core/sessions/revoked_because.ts";
import { capital, words } from "#tools/console/page/format.ts";

export type AuditRow = Responses["list_audit_logs"]["items"][number];
type Action = NonNullable<NonNullable<Requests["list_audit_logs"]>["action"]>;
/** The actions whose rows are about a user. */
type UserAction = Exclude<Action, "account.updated" | "role.changed" | `webhook.${string}`>;
type Data = Readonly<Record<string, string | null>>;

/** What each action is called in the choice of actions, and in a row if its data add nothing. */
export const ACTIONS: Readonly<Record<UserAction, string>> = {
  "user.created": "User created",
  "user.updated": "User changed",
  "user.disabled": "User disabled",
  "user.roles_changed": "Roles changed",
  "user.deleted": "User deleted",
  "user.signed_in": "Signed in",
  "user.sign_in_failed": "Sign-in refused",
  "session.revoked": "Session ended",
  "token.reuse_detected": "A refresh token was used twice: it may have been copied",
  "identifier.added": "Address or number added",
  "identifier.verified": "Address or number verified",
  "identifier.removed": "Address or number removed",
  "password.set": "Password set",
  "password.reset_requested": "New password requested",
  "password.reset": "New password set with a link or a code",
  "mfa.factor_added": "Second factor added",
  "mfa.factor_removed": "Second factor removed",
  "mfa.recovery_code_used": "Recovery code used",
  "mfa.recovery_codes_regenerated": "Recovery codes replaced",
  "oauth.linked": "Account at a provider connected",
  "oauth.unlinked": "Account at a provider disconnected",
  "account.created": "Account created",
  "account.user_added": "Added to an account",
  "account.user_removed": "Removed from an account",
  "account.user_role_changed": "Role in an account changed",
  "consent.updated": "Marketing consent changed",
  "trial.started": "Trial started",
  "trial.used": "Trial used",
  "subscription.updated": "Subscription changed",
  "audit.read": "Audit trail read",
};

/** What a session started with, by the grant of its row. */
const SIGNED_IN_WITH: Readonly<Record<string, string>> = {
  authorization_code: "with a magic link",
  otp: "with a code or a link by mail or SMS",
  password: "with a password",
  register: "by registering",
  issue_token: "with a token for tests, by an internal key",
};

/** What the data of a row add to the words of its action. */
const ADDED: Partial<Record<UserAction, (data: Data) => string>> = {
  "user.updated": ({ fields, field }) =>
    (fields ?? field ?? "")
      .split(" ")
      // Disabling has an action of its own.
      .map((name) => (name === "status" ? "made active" : words(name)))
      .join(", "),
  "user.roles_changed": ({ added, removed }) =>
    [added && `got ${added}`, removed && `lost ${removed}`].filter(Boolean).join(", "),
  "user.signed_in": ({ grant }) => SIGNED_IN_WITH[grant ?? ""] ?? words(grant ?? ""),
  "session.revoked": ({ reason }) =>
    REVOKED_BECAUSE[reason as keyof typeof REVOKED_BECAUSE] ?? words(reason ?? ""),
  "account.user_added": ({ role }) => `as ${role}`,
  "account.user_role_changed": ({ role, previous }) => `${role}, was ${previous}`,
  "consent.updated": ({ level, previous }) => `${level}${previous ? `, was ${previous}` : ""}`,
  "subscription.updated": ({ status, previous }) =>
    `${words(status ?? "")}${previous ? `, was ${words(previous)}` : ""}`,
};

/** What a row says, such as "Session ended: the user was disabled". */
export function sayWhat({
  action,
  data,
  error_code,
}: Pick<AuditRow, "action" | "data" | "error_code">): string {
  const title = ACTIONS[action as UserAction] ?? capital(words(action.replace(".", " ")));
  const { cause } = data as Data;
  const added =
    error_code === null
      ? ADDED[action as UserAction]?.(data as Data)
      : describeRefusal({ errorCode: error_code, cause });
  return added ? `${title}: ${added}` : title;
}

/** Who did it, unless it is a user. */
export function sayWho({ type, id }: AuditRow["actor"]): string {
  const name = id === null ? "" : ` ${id}`;
  if (type === "internal") return `a program with the internal key${name}`;
  if (type === "operator") return "an operator, with a command of nest";
  if (type === "job") return `Nest itself, with the job${name}`;
  if (type === "stripe") return "Stripe";
  return "somebody who was not signed in";
}
