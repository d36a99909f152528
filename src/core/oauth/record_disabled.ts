import type { Call } from "#core/call.ts";
import { type AuditCore, auditNow } from "#core/events/audit_row.ts";
import { signInFailed } from "#core/events/sign_in_events.ts";
import type { OAuthState } from "#core/repositories/oauth_states.ts";

/** A sign-in at a provider that was refused because its user is disabled. */
interface DisabledSignIn {
  /** Null: it was refused for another reason. */
  userId: string | null;
  call: Call;
  /** ISO. */
  at: string;
  /** Of the response, or of the redirect to the client. */
  errorCode: string;
}

/** Records in the audit log that a user is disabled: nothing else tells why a right account at a provider signed nobody in. */
export async function recordDisabled(
  core: AuditCore,
  visit: Pick<OAuthState, "_id" | "clientId">,
  { userId, call, at, errorCode }: DisabledSignIn,
): Promise<void> {
  if (userId === null) return;
  await auditNow(core, signInFailed(visit, { userId, cause: "disabled" }, call, at), errorCode);
}
