type ByStage<Value> = Readonly<Record<"local" | "nonprod" | "prod", Value>>;

/** Where a client makes and uses passkeys (WebAuthn). */
export interface PasskeySettings {
  /**
   * The domain that passkeys belong to (the RP ID), such as `acme.example`; null: none on this stage. It must never change: passkeys
   * of the earlier domain would stop working.
   */
  rpId: ByStage<string | null>;
  /*   * Origins of the pages that create and use passkeys. Each is on the domain of a stage or on a subdomain of it. If several domains
   * match, an origin belongs to the longest, so that pages of `test.acme.example` do not use the passkeys of `acme.example`.
   */
  origins: readonly string[];
}

/** Where a client makes and uses passkeys, on one stage. */
export interface RelyingParty {
  rpId: string;
  origins: readonly string[];
}

/** Whether passkeys of a domain can be used at an origin: the domain or one below it (WebAuthn Level 3, section 5.1.2). */
export function isWithin(rpId: string, origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === rpId || hostname.endsWith(`.${rpId}`);
}

/** Where a client makes and uses passkeys on a stage; null: nowhere. */
export function relyingPartyOf(
  passkeys: PasskeySettings | null,
  stage: keyof PasskeySettings["rpId"],
): RelyingParty | null {
  const rpId = passkeys?.rpId[stage] ?? null;
  if (passkeys === null || rpId === null) return null;
  const domains = Object.values(passkeys.rpId).filter((domain) => domain !== null);
  const longer = domains.filter((domain) => domain.length > rpId.length);
  const counts = (origin: string) =>
    isWithin(rpId, origin) && !longer.some((other) => isWithin(other, origin));
  return { rpId, origins: passkeys.origins.filter(counts) };
}
