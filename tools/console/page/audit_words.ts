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
  "oauth.linked": "Account at a provider linked",
  "oauth.unlinked": "Account at a provider unlinked",
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
  authorization_code: "with a magic link, or an account at a provider",
  otp: "with a code or a link by mail or SMS",
  password: "with a password",
  webauthn: "with a passkey",
  register: "by registering",
  issue_token: "with a token for tests, by an internal key",
};

/** Why Nest removed an address or number that the user had not verified. */
const REMOVED_BECAUSE: Readonly<Record<string, string>> = {
  address_proved: "Nest removed it, because somebody added it before the user's own address was verified",
  password_reset: "Nest removed it, because it was not verified when the password was reset",
  registration_failed: "Nest removed it, because the registration was refused",
  user_deleted: "Nest removed it with the user",
};

/** What a row's ids mean. */
export interface Names {
  role: (reference: string) => string;
  /** The address or number that has an id; undefined: it is not stored any more. */
  address: (id: string) => string | undefined;
}

const NO_NAMES: Names = { role: (reference) => reference, address: () => undefined };

interface Said {
  data: Data;
  targetId: string;
  names: Names;
}

const rolesOf = (references: string, { role }: Names) => references.split(" ").map(role).join(", ");
const addressOf = ({ data, targetId, names }: Said) =>
  names.address(targetId) ?? (data.identifierType === "phone" ? "a phone number" : "an email address");

/** What the data of a row add to the words of its action. */
const ADDED: Partial<Record<UserAction, (said: Said) => string>> = {
  "user.updated": ({ data: { fields, field } }) =>
    (fields ?? field ?? "")
      .split(" ")
      // Disabling has an action of its own.
      .map((name) => (name === "status" ? "made active" : words(name)))
      .join(", "),
  "user.roles_changed": ({ data: { added, removed }, names }) =>
    [added && `got ${rolesOf(added, names)}`, removed && `lost ${rolesOf(removed, names)}`]
      .filter(Boolean)
      .join(", "),
  "user.signed_in": ({ data: { grant } }) => SIGNED_IN_WITH[grant ?? ""] ?? words(grant ?? ""),
  "session.revoked": ({ data: { reason } }) =>
    REVOKED_BECAUSE[reason as keyof typeof REVOKED_BECAUSE] ?? words(reason ?? ""),
  "identifier.added": addressOf,
  "identifier.verified": addressOf,
  "identifier.removed": (said) => {
    const why = REMOVED_BECAUSE[said.data.reason ?? ""];
    return why ? `${addressOf(said)}. ${why}` : addressOf(said);
  },
  "account.user_added": ({ data: { role }, names }) => `as ${names.role(role ?? "")}`,
  "account.user_role_changed": ({ data: { role, previous }, names }) =>
    `${names.role(role ?? "")}, was ${names.role(previous ?? "")}`,
  "consent.updated": ({ data: { level, previous } }) => `${level}${previous ? `, was ${previous}` : ""}`,
  "subscription.updated": ({ data: { status, previous } }) =>
    `${words(status ?? "")}${previous ? `, was ${words(previous)}` : ""}`,
};

/** What a row says, such as "Session ended: the user was disabled". */
export function sayWhat(
  { action, data, error_code, target }: Pick<AuditRow, "action" | "data" | "error_code" | "target">,
  names = NO_NAMES,
): string {
  const { cause, purpose } = data as Data;
  const known = purpose === "step_up" ? "Second factor of a session refused" : ACTIONS[action as UserAction];
  const title = known ?? capital(words(action.replace(".", " ")));
  const said = { data: data as Data, targetId: target.id, names };
  const added =
    error_code === null
      ? ADDED[action as UserAction]?.(said)
      : describeRefusal({ errorCode: error_code, cause });
  return added ? `${title}: ${added}` : title;
}

/** Whether Nest did it by itself, in a call of the actor that asked for something else. */
export const isAutomatic = ({ action, data }: Pick<AuditRow, "action" | "data">): boolean =>
  action === "identifier.removed" && (data as Data).reason !== undefined;

/** Who did it, unless it is a user. */
export function sayWho({ type, id }: AuditRow["actor"]): string {
  const name = id === null ? "" : ` ${id}`;
  if (type === "internal") return `a program with the internal key${name}`;
  if (type === "operator") return "an operator, with a command of nest";
  if (type === "job") return `Nest itself, with the job${name}`;
  if (type === "stripe") return "Stripe";
  return "somebody who was not signed in";
}
