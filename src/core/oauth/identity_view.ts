import { nullable, strictObject, string } from "zod/mini";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";

/** A linked account on the wire. Its subject stays here. */
export const oauthIdentityFields = strictObject({
  id: string(),
  provider: string(),
  email: nullable(string()),
  linked_at: string(),
  last_used_at: nullable(string()),
});

export const oauthIdentityToWire = ({ _id, provider, email, linkedAt, lastUsedAt }: OAuthIdentity) => ({
  ...{ id: _id, provider, email, linked_at: linkedAt, last_used_at: lastUsedAt },
});
