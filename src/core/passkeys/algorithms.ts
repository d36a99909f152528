/** Ed25519, ECDSA with P-256, and RSA, which some TPMs have only (COSE). The first that an authenticator knows is used. */
export const ALGORITHMS = [-8, -7, -257] as const;
