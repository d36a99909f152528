/** A program that uses the client's types. package.test.ts compiles it with the packed package. */
import { type ClientError, type ErrorCode, isClientError, NestClient } from "#client/index.ts";

declare const nest: NestClient;

/** Handles every kind and code of a method's errors, with their fields. */
export function explain(error: ClientError<"send_magic_link">): string {
  switch (error.kind) {
    case "answer":
      break;
    case "network":
    case "timeout":
    case "aborted":
    case "unexpected_answer":
    case "signed_out":
    case "refresh_failed":
    case "unknown_link":
      return error.kind;
    default:
      return error satisfies never;
  }
  switch (error.code) {
    case "rate_limited":
      return `in ${error.meta.retry_after satisfies number} seconds`;
    case "invalid_email":
      return error.meta.message satisfies "Missing final '@domain'" | "Domain starts with dot";
    case "validation_failed":
      return error.reasons.map(({ meta }) => meta.path.join(".")).join();
    case "unauthorized":
      return error.reasons[0]?.code ?? "";
    case "unknown":
      return error.meta.request_id;
    case "captcha_required":
      return error.meta.provider;
    case "captcha_failed":
    case "captcha_unavailable":
      return error.code;
    case "body_too_large":
      return String(error.meta.limit satisfies number);
    case "client_not_found":
    case "invalid_redirect_uri":
    case "sender_not_allowed":
    case "link_placeholder_missing":
    case "email_not_sent":
    case "body_missing":
    case "malformed_json":
    case "access_denied":
    case "unavailable":
      return `${error.code} ${error.status} ${error.meta satisfies undefined}`;
    default:
      return error satisfies never;
  }
}

export function forgetsOne(error: ClientError<"get_user">): string {
  if (error.kind !== "answer" || error.code === "user_not_found") return "";
  // @ts-expect-error the common errors are not handled
  return error satisfies never;
}

export const good: ErrorCode<"authenticate_user">[] = [
  "token_used",
  "authorization_not_found",
  "unavailable",
];
// @ts-expect-error a code of another method
export const foreign: ErrorCode<"get_user"> = "token_used";
// @ts-expect-error an unknown code
export const invented: ErrorCode = "invented";

export async function call(): Promise<void> {
  const { status, end_date, entitlement } = await nest.call("get_subscription_status");
  void [status satisfies "active" | "trialing" | "past_due" | "incomplete", end_date satisfies string];
  void (entitlement satisfies string | null);
  (await nest.call("revoke_session", { session_id: "s" })) satisfies { revoked_at: string };
  (await nest.call("set_marketing_consent", { level: "none" })) satisfies undefined;
  await nest.call("set_marketing_consent", { level: "general" }, { signal: AbortSignal.timeout(1) });
  // @ts-expect-error no such method
  await nest.call("enrol_alpha_user", { email: "x" });
  // @ts-expect-error a field is missing
  await nest.call("change_plan");
  // @ts-expect-error an unknown field
  await nest.call("get_user", { name: "x" });
  // @ts-expect-error no such level
  await nest.call("set_marketing_consent", { level: "all" });
  await nest.call("update_user", { user_id: "u", name: "Ada" });
  // @ts-expect-error an administrator must name the user
  await nest.call("set_user_roles", { roles: [] });
  // @ts-expect-error also where the API takes the caller if there is no name
  await nest.call("delete_user", {});
  // @ts-expect-error an id that may be missing
  await nest.call("update_user", { user_id: undefined, name: "Ada" });
  // @ts-expect-error a trial needs a device
  await nest.startTrial("ada@example.com");
}

export async function callNamed(): Promise<void> {
  const { end_date } = await nest.getSubscriptionStatus();
  void (end_date satisfies string);
  (await nest.revokeSession({ session_id: "s" }, { timeoutMs: 1 })) satisfies { revoked_at: string };
  (await nest.setMarketingConsent({ level: "none" })) satisfies undefined;
  await nest.sendMagicLink("ada@example.com");
  // @ts-expect-error no such method
  await nest.enrolAlphaUser({ email: "x" });
  // @ts-expect-error a field is missing
  await nest.changePlan();
  await nest.deleteUser({ user_id: "u" });
  await nest.listAuditLogs();
  // @ts-expect-error the user is not named
  await nest.deleteUser();
  // @ts-expect-error the user is not named
  await nest.removeAccountUser({ account_id: "a" });
  // @ts-expect-error the names of the wire
  await nest.revokeSession({ sessionId: "s" });
}

export async function callInCamelCase(): Promise<void> {
  const camel = new NestClient({ url: "u", clientId: "c", redirectUri: "r", camelCase: true });
  const { endDate } = await camel.getSubscriptionStatus();
  void (endDate satisfies string);
  const { identifiers } = await camel.call("get_user", { userId: "u" });
  void (identifiers[0]?.verifiedAt satisfies string | null | undefined);
  (await camel.revokeSession({ sessionId: "s" })) satisfies { revokedAt: string };
  await camel.revokeAllSessions({ userId: "u" });
  // @ts-expect-error the user is not named
  await camel.revokeAllSessions({ exceptCurrent: false });
  await camel.startTrial("a", { device: { platform: "mac", beakId: "b", fingerprint: "f" } });
  // @ts-expect-error a name of the wire in a request
  await camel.revokeSession({ session_id: "s" });
  // @ts-expect-error a name of the wire in a device
  await camel.startTrial("a", { device: { platform: "mac", beak_id: "b", fingerprint: "f" } });
  // @ts-expect-error a name of the wire in a response
  void (await camel.getUser()).created_at;
  const wire = new NestClient({ url: "u", clientId: "c", redirectUri: "r" });
  // @ts-expect-error the default is the names of the wire
  void (await wire.getUser()).createdAt;
}

export function narrows(thrown: unknown): boolean {
  if (!isClientError(thrown, "get_marketing_consent")) return false;
  // @ts-expect-error a code of another method
  if (thrown.code === "no_active_subscription") return false;
  return thrown.code === "awaiting_consent";
}
