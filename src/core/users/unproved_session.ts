import type { Grant } from "#core/repositories/access_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";

/** Grants that prove an address or number of the user. A session that one of them started belongs to its owner. */
const PROVING_GRANTS: readonly Grant["type"][] = ["authorization_code", "otp"];

/** Whether a session was started without a proof of an address or number, such as by a password. */
export const isUnproved = ({ rootGrant }: Pick<Session, "rootGrant">) =>
  !PROVING_GRANTS.includes(rootGrant.type);
