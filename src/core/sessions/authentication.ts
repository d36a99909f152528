import type { AuthenticationMethod, Session } from "#core/repositories/sessions.ts";

/** When and how the person of a session proved who they are. */
export interface Authentication {
  /** ISO. */
  authTime: string;
  amr: readonly AuthenticationMethod[];
}

/**
 * Reads when and how the person of a session proved who they are. Earlier releases stored neither.
 */
export function authenticationOf({
  authTime,
  amr,
  createdAt,
  rootGrant,
}: Pick<Session, "authTime" | "amr" | "createdAt" | "rootGrant">): Authentication {
  return { authTime: authTime ?? createdAt, amr: amr ?? [rootGrant.type === "otp" ? "otp" : "link"] };
}
