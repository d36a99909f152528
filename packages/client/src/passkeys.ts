import type { Requests, Responses } from "./methods.ts";

/** What `create_mfa_factor` answers for a passkey. */
export type CreationOptions = NonNullable<Responses["create_mfa_factor"]["passkey_options"]>;
/** What `create_passkey_challenge` answers. */
export type RequestOptions = Responses["create_passkey_challenge"]["options"];

/** A new passkey, for `verify_mfa_factor`. */
export type NewCredential = NonNullable<Requests["verify_mfa_factor"]["credential"]>;
/** A signature of a passkey, for the grants `webauthn` and `mfa`. */
export type Assertion = NonNullable<Requests["authenticate_user"]["credential"]>;

/** How the browser asks the person. */
export interface CeremonyOptions {
  /** Ends the request, such as when the person leaves the page. */
  signal?: AbortSignal;
}

/** What the authenticator returned: each ceremony has its own fields. */
interface Held<Response> {
  id: string;
  response: { clientDataJSON: ArrayBuffer } & Response;
}

/** What this file uses of a browser. Programs without the types of browsers can compile it. */
interface Browser {
  navigator: {
    credentials: {
      create(options: object): Promise<Held<{ attestationObject: ArrayBuffer; getTransports?(): string[] }>>;
      get(
        options: object,
      ): Promise<
        Held<{ authenticatorData: ArrayBuffer; signature: ArrayBuffer; userHandle: ArrayBuffer | null }>
      >;
    };
  };
  PublicKeyCredential?: { isConditionalMediationAvailable?(): Promise<boolean> };
}

const browser = (): Browser => globalThis as unknown as Browser;

/** Whether this browser has passkeys. */
export const hasPasskeys = (): boolean => typeof browser().PublicKeyCredential === "function";

/** Whether this browser offers passkeys in the autofill of a field with `autocomplete="username webauthn"`. */
export const hasAutofill = async (): Promise<boolean> =>
  (await browser().PublicKeyCredential?.isConditionalMediationAvailable?.()) === true;

/**
 * Lets the person make a passkey, on a page of the client's app file.
 * @param options `passkey_options` of `create_mfa_factor`
 * @returns `credential` for `verify_mfa_factor`
 * @throws DOMException of the browser: `NotAllowedError` if the person refuses or waits too long, `InvalidStateError` if the device has
 *   a passkey of the user already
 */
export async function createPasskey(
  options: CreationOptions,
  { signal }: CeremonyOptions = {},
): Promise<NewCredential> {
  const { challenge, user, excludeCredentials, ...rest } = options;
  const publicKey = {
    ...rest,
    challenge: decode(challenge),
    user: { ...user, id: decode(user.id) },
    excludeCredentials: excludeCredentials.map(described),
  };
  const { credentials } = browser().navigator;
  const { id, response } = await credentials.create({ publicKey, ...(signal && { signal }) });
  return {
    ...{ id, rawId: id, type: "public-key" },
    response: {
      clientDataJSON: encode(response.clientDataJSON),
      attestationObject: encode(response.attestationObject),
      transports: response.getTransports?.() ?? [],
    },
  };
}

/**
 * Lets the person use a passkey, on a page of the client's app file.
 * @param options `options` of `create_passkey_challenge`
 * @param ceremony.autofill offers passkeys in the autofill of a field, and waits until the person chooses one. End it with `signal`
 *   before another call
 * @returns `credential` for the grant `webauthn` or `mfa`
 * @throws DOMException of the browser: `NotAllowedError` if the person refuses, has no passkey, or waits too long; `AbortError` if
 *   `signal` ended it
 */
export async function usePasskey(
  options: RequestOptions,
  { signal, autofill = false }: CeremonyOptions & { autofill?: boolean } = {},
): Promise<Assertion> {
  const { challenge, allowCredentials, ...rest } = options;
  const publicKey = {
    ...rest,
    challenge: decode(challenge),
    allowCredentials: allowCredentials.map(described),
  };
  const { id, response } = await browser().navigator.credentials.get({
    publicKey,
    ...(signal && { signal }),
    ...(autofill && { mediation: "conditional" }),
  });
  const { userHandle } = response;
  return {
    ...{ id, rawId: id, type: "public-key" },
    response: {
      clientDataJSON: encode(response.clientDataJSON),
      authenticatorData: encode(response.authenticatorData),
      signature: encode(response.signature),
      userHandle: userHandle && encode(userHandle),
    },
  };
}

/**
 * The URL of the app's landing page that makes or uses a passkey for an installed app, which can't do it itself. Open it in the browser
 * of the system. The page opens the app with the result (`readPasskeyLink`).
 * @param page the landing page, which must be in `passkeys.origins` of the client
 * @param state a new random value of 1 to 64 letters, digits, `-` and `_`, which the app keeps until then
 */
export function passkeyLink(page: string, options: CreationOptions | RequestOptions, state: string): string {
  const text = new TextEncoder().encode(JSON.stringify(options));
  // A fragment is sent to no server.
  return `${page}#passkey=${encode(text.buffer)}&state=${state}`;
}

/**
 * Reads the link with which the landing page opens the app.
 * @param state of `passkeyLink`. A link with another state is of somebody else, and must do nothing
 * @returns `credential` for `verify_mfa_factor`, `webauthn` or `mfa`; null if it is no such link
 */
export function readPasskeyLink<Credential extends NewCredential | Assertion>(
  link: string | URL,
  state: string,
): Credential | null {
  const given = new URL(link).searchParams;
  const passkey = given.get("passkey");
  if (passkey === null || given.get("state") !== state) return null;
  try {
    return JSON.parse(new TextDecoder().decode(decode(passkey))) as Credential;
  } catch {
    return null;
  }
}

// Browsers of 2024 lack `parseCreationOptionsFromJSON` and `toJSON`.
const described = ({ id, type, transports }: RequestOptions["allowCredentials"][number]) => ({
  ...{ id: decode(id), type, transports },
});

function decode(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
}

function encode(bytes: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
