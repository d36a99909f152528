import type { FieldDocumentation } from "#tools/openapi/field_documentation.ts";

type Timestamp = (description: string) => FieldDocumentation;
type Fields = Readonly<Record<string, FieldDocumentation>>;

const CREDENTIAL_ID = "m2Cq8fP0tq3yXo1VbUeWkA";
const CHALLENGE: FieldDocumentation = {
  description: "What the authenticator signs, in base64url. It works once.",
  example: "Vv3nq0m1sJcS2yQ8bq0Yx9m3k7Wc5dZ1tT4uR6pL0aE",
};
const TIMEOUT: FieldDocumentation = {
  description: "How long the browser waits for the person, in milliseconds.",
  example: 300_000,
  narrows: { type: "integer", minimum: 1 },
};

const at = (path: string, fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [`${path}.${name}`, field]));

const named = (path: string, description: string): Fields => ({
  [path]: { description },
  ...at(`${path}[]`, {
    id: { description: "The id of the passkey, in base64url.", example: CREDENTIAL_ID },
    type: { description: "Always `public-key`.", example: "public-key" },
    transports: { description: "How a browser reaches it.", example: ["internal"] },
  }),
});

/** What both ceremonies return of a passkey. */
const presented = (path: string, description: string, response: Fields): Fields => ({
  [path]: { description },
  ...at(path, {
    id: { description: "The id of the passkey, in base64url.", example: CREDENTIAL_ID },
    rawId: { description: "The same as `id`.", example: CREDENTIAL_ID },
    type: { description: "Always `public-key`.", example: "public-key" },
    response: { description: "What the authenticator returned." },
  }),
  ...at(`${path}.response`, {
    clientDataJSON: {
      description: "What the browser says about this use of the passkey, in base64url.",
      example: "eyJ0eXBlIjoid2ViYXV0aG4uZ2V0In0",
    },
    ...response,
  }),
});

/** The fields of passkeys. Inside the options and credentials, the names are those of WebAuthn. */
export const passkeyFieldDocs = (timestamp: Timestamp): Fields => ({
  backed_up: {
    description:
      "Whether the passkey provider has a copy of the passkey, so that the user keeps it if the device is lost. Null for other types.",
    example: null,
  },
  "create_mfa_factor.passkey_options": {
    description:
      "For `webauthn`: what `PublicKeyCredential.parseCreationOptionsFromJSON()` takes (WebAuthn). Else null.",
    example: null,
  },
  ...at("create_mfa_factor.passkey_options", {
    rp: { description: "The app that the passkey belongs to (the relying party)." },
    "rp.id": { description: "`passkeys.rpId` of the client in the app file.", example: "acme.example" },
    "rp.name": { description: "The name of the app.", example: "Acme" },
    user: { description: "The user, as the authenticator shows them." },
    "user.id": {
      description: "Identifies the user for the authenticator, in base64url: a hash of the user's id.",
      example: "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs",
    },
    "user.name": { description: "The user's address or number.", example: "ada@example.com" },
    "user.displayName": { description: "The same as `name`.", example: "ada@example.com" },
    challenge: CHALLENGE,
    pubKeyCredParams: { description: "The kinds of key that are accepted, the preferred first." },
    "pubKeyCredParams[].type": { description: "Always `public-key`.", example: "public-key" },
    "pubKeyCredParams[].alg": {
      description: "The algorithm (COSE): Ed25519, ECDSA with P-256, or RSA.",
      example: -7,
    },
    timeout: TIMEOUT,
    authenticatorSelection: { description: "What the authenticator should be able to do." },
    "authenticatorSelection.residentKey": {
      description: "A passkey that stores which user it belongs to is preferred, because it signs in alone.",
      example: "preferred",
    },
    "authenticatorSelection.requireResidentKey": { description: "Always false.", example: false },
    "authenticatorSelection.userVerification": {
      description:
        "An authenticator that verifies its user is preferred, because its passkey signs in alone.",
      example: "preferred",
    },
    attestation: {
      description: "The authenticator does not have to prove its manufacturer.",
      example: "none",
    },
  }),
  ...named(
    "create_mfa_factor.passkey_options.excludeCredentials",
    "The user's passkeys. An authenticator that has one of them creates no second passkey.",
  ),
  challenge_id: {
    description: "The id of a challenge of `create_passkey_challenge`.",
    example: "pkchal_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "create_passkey_challenge.challenge_id": {
    description: "For the grant `webauthn`. Null with `mfa_token`, which the grant `mfa` takes.",
    example: "pkchal_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys",
  },
  "create_passkey_challenge.mfa_token": {
    description:
      "To present a passkey as the second factor: the token of the first factor, or of `create_mfa_challenge`. Without it, the passkey signs in alone.",
    example:
      "mfachal_2hF4hRz5XdBt8Wn2Mf7Vk1Qc4Ys.5f1c0d9a7b3e8264af90d1c2b3a4958677e8f9a0b1c2d3e4f5061728394a5b6c",
  },
  "create_passkey_challenge.options": {
    description: "What `PublicKeyCredential.parseRequestOptionsFromJSON()` takes (WebAuthn).",
  },
  ...at("create_passkey_challenge.options", {
    challenge: CHALLENGE,
    timeout: TIMEOUT,
    rpId: { description: "`passkeys.rpId` of the client in the app file.", example: "acme.example" },
    userVerification: {
      description:
        "`required` if the passkey signs in alone: the authenticator must verify its user. `preferred` with `mfa_token`.",
      example: "required",
      narrows: { enum: ["required", "preferred"] },
    },
  }),
  ...named(
    "create_passkey_challenge.options.allowCredentials",
    "With `mfa_token`: the passkeys that can sign. Else empty: any passkey of the domain can.",
  ),
  "create_passkey_challenge.expires_at": timestamp(
    "Until when the passkey can be presented: for 5 minutes, or as long as `mfa_token`.",
  ),
  ...presented(
    "verify_mfa_factor.credential",
    "For `webauthn`: `toJSON()` of what `navigator.credentials.create()` returned. Other fields of it are ignored.",
    {
      attestationObject: {
        description: "The new key, in base64url.",
        example: "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVik",
      },
      transports: { description: "How a browser reaches the passkey.", example: ["internal"] },
    },
  ),
  ...presented(
    "authenticate_user.credential",
    "For `webauthn`, and for `mfa` in place of `factor_id` and `code`: `toJSON()` of what `navigator.credentials.get()` returned. Other fields of it are ignored.",
    {
      authenticatorData: {
        description: "What the authenticator says about this use of the passkey, in base64url.",
        example: "SZYN5YgOjGh0NBcPZHZgW4_krrmihjLHmVzzuoMdl2MFAAAAAQ",
      },
      signature: {
        description: "The signature of both, in base64url.",
        example: "MEUCIQDx8n1mR0tT7yLZ5v0JbY3c2hVt1kQ9wA",
      },
      userHandle: {
        description:
          "`user.id` of the options with which the passkey was created. The grant `webauthn` requires it.",
        example: "3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs",
      },
    },
  ),
});
