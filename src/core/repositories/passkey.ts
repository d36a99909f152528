/** What is stored of a passkey or security key (WebAuthn). The private key stays with its owner. */
export interface Passkey {
  /** The domain that it belongs to. */
  rpId: string;
  /** In base64url. */
  credentialId: string;
  /** COSE, in base64url. */
  publicKey: string;
  /** The signature counter that it reports; 0 if it does not count. If the counter does not grow, somebody may have a copy of the key. */
  counter: number;
  /** The challenge that presented `counter`, which may present it again. */
  counterBy?: string;
  /** How a browser reaches it, as the browser said. */
  transports: string[];
  /** Whether a passkey provider may sync it to other devices. It never changes. */
  isSyncable: boolean;
  /** Whether its provider has a copy of it. */
  isBackedUp: boolean;
  /** Whether it verified its user, by PIN or biometrics, when it was created. Only such a passkey signs the user in alone. */
  verifiesUser: boolean;
  /** The model of the authenticator, as it says itself. */
  aaguid: string;
}

/** A use of a passkey, as its signed response says. */
export interface PasskeyUse {
  counter: number;
  isBackedUp: boolean;
  /** The id of the challenge. */
  by: string;
  now: string;
}
