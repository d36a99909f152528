import { array, literal, maxLength, nullish, object, optional, type output, regex, string } from "zod/mini";

/** Characters of the longest field: a certificate chain that a browser did not remove. */
const LONGEST = 16_384;
/** Bytes of a credential id are at most 1023 (WebAuthn Level 3, section 4). */
const LONGEST_ID = 1364;

const base64url = (limit: number) => string().check(maxLength(limit), regex(/^[A-Za-z0-9_-]+$/));
const transport = string().check(maxLength(32), regex(/^[a-z-]+$/));

// Browsers add fields, which a relying party ignores (WebAuthn Level 3, section 5.1), so these objects are not strict.
const credentialWith = <Response extends ReturnType<typeof object>>(response: Response) =>
  object({ id: base64url(LONGEST_ID), rawId: base64url(LONGEST_ID), type: literal("public-key"), response });

/** A new passkey as the browser returns it: `PublicKeyCredential.toJSON()` after `navigator.credentials.create()`. */
export const newCredential = credentialWith(
  object({
    clientDataJSON: base64url(LONGEST),
    attestationObject: base64url(LONGEST),
    transports: optional(array(transport).check(maxLength(8))),
  }),
);
export type NewCredential = output<typeof newCredential>;

/** A signature of a passkey as the browser returns it: `PublicKeyCredential.toJSON()` after `navigator.credentials.get()`. */
export const assertion = credentialWith(
  object({
    clientDataJSON: base64url(LONGEST),
    authenticatorData: base64url(LONGEST),
    signature: base64url(LONGEST),
    userHandle: nullish(base64url(LONGEST_ID)),
  }),
);
export type Assertion = output<typeof assertion>;
