/** Ed25519, ECDSA with P-256, and RSA, the only algorithm of some TPMs (COSE). An authenticator uses the first that it knows. */
export const ALGORITHMS = [-8, -7, -257] as const;
