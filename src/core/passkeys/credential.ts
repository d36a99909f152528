import { array, literal, maxLength, nullish, object, optional, type output, regex, string } from "zod/mini";

/** Enough characters for the longest field: a certificate chain that a browser did not remove. */
const MAX_FIELD_LENGTH = 16_384;
/** A credential id has at most 1023 bytes (WebAuthn Level 3, section 4), which are 1364 characters of base64url. */
const MAX_ID_LENGTH = 1364;

const base64url = (limit: number) => string().check(maxLength(limit), regex(/^[A-Za-z0-9_-]+$/));
const transport = string().check(maxLength(32), regex(/^[a-z-]+$/));

// Browsers add fields, which a relying party ignores (WebAuthn Level 3, section 5.1), so these objects are not strict.
const credentialWith = <Response extends ReturnType<typeof object>>(response: Response) =>
  object({
    id: base64url(MAX_ID_LENGTH),
    rawId: base64url(MAX_ID_LENGTH),
    type: literal("public-key"),
    response,
  });

/** A new passkey as the browser returns it: `PublicKeyCredential.toJSON()` after `navigator.credentials.create()`. */
export const newCredential = credentialWith(
  object({
    clientDataJSON: base64url(MAX_FIELD_LENGTH),
    attestationObject: base64url(MAX_FIELD_LENGTH),
    transports: optional(array(transport).check(maxLength(8))),
  }),
);
export type NewCredential = output<typeof newCredential>;

/** A signature of a passkey as the browser returns it: `PublicKeyCredential.toJSON()` after `navigator.credentials.get()`. */
export const assertion = credentialWith(
  object({
    clientDataJSON: base64url(MAX_FIELD_LENGTH),
    authenticatorData: base64url(MAX_FIELD_LENGTH),
    signature: base64url(MAX_FIELD_LENGTH),
    userHandle: nullish(base64url(MAX_ID_LENGTH)),
  }),
);
export type Assertion = output<typeof assertion>;
