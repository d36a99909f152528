import type { Client } from "#core/app/app.ts";
import type { Identifier } from "#core/repositories/identifiers.ts";
import type { OAuthIdentity } from "#core/repositories/oauth_identities.ts";

/** What decides who signs in with an account at a provider. */
export interface JudgedIdentity {
  /** The link of the account, or null. */
  linked: Pick<OAuthIdentity, "userId"> | null;
  /** The active identifier with the address that the provider named, or null. */
  owner: Pick<Identifier, "userId" | "verifiedAt"> | null;
  /**
   * Whether the account can't join the owner of the address: the owner has a second factor, may not sign in, or has linked the most
   * accounts. Such an owner links accounts from a session only.
   */
  isJoinBlocked: boolean;
  /** Whether the owner of the address has unlinked an account of the issuer. Then none joins by its address any more. */
  isUnlinked: boolean;
  /** Whether the provider's word proves the address: it is trusted, and says that the address is verified. */
  isProved: boolean;
  registration: Client["registration"];
  /** The user whom this visit creates. An earlier run of the same sign-in may have created them. */
  newUserId: string;
}

export type IdentityDecision =
  | { outcome: "sign_in" | "join"; userId: string }
  /** `takesAddress`: whether the new user gets the address. */
  | { outcome: "sign_up"; userId: string; takesAddress: boolean }
  | { outcome: "refuse"; error: "account_exists" | "registration_disabled" };

/**
 * Decides who signs in with an account at a provider. The account is the key, never the address (4.6). An unknown account is linked to
 * an existing user only if a trusted provider proves its address and the user has verified the same address in Nest. Otherwise a stranger
 * could hold the address at the provider, or could have registered it in Nest. The link stays when the user changes the address or removes
 * the second factor, so a mailbox alone must not make it where it would not sign in.
 */
export function judgeIdentity(judged: JudgedIdentity): IdentityDecision {
  const { linked, owner, isJoinBlocked, isUnlinked, isProved, registration, newUserId } = judged;
  if (linked) return { outcome: "sign_in", userId: linked.userId };
  if (owner && owner.userId !== newUserId) {
    const mayJoin = isProved && owner.verifiedAt !== null && !isJoinBlocked && !isUnlinked;
    return mayJoin
      ? { outcome: "join", userId: owner.userId }
      : { outcome: "refuse", error: "account_exists" };
  }
  if (registration === "closed") return { outcome: "refuse", error: "registration_disabled" };
  return { outcome: "sign_up", userId: newUserId, takesAddress: isProved };
}
