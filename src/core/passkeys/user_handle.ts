import { createHash } from "node:crypto";

/** Names a user for an authenticator, without a hint at who it is (WebAuthn Level 3, section 14.6.1). In base64url. */
export const userHandleOf = (userId: string): string =>
  createHash("sha256").update(`passkey of ${userId}`).digest("base64url");
