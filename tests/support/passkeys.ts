import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { createFactor } from "#tests/support/mfa.ts";
import { NATIVE, type Reply, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { givePassword, signInWith } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

/** A page of the sample clients. */
export const PASSKEY_ORIGIN = "http://localhost:5174";

const FLAG = { present: 0x01, verified: 0x04, syncable: 0x08, backedUp: 0x10, hasKey: 0x40 };
const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest();

/** What an authenticator, a browser or an attacker does differently. */
export interface Ceremony {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  crossOrigin?: boolean;
  topOrigin?: string;
  isPresent?: boolean;
  isVerified?: boolean;
  isSyncable?: boolean;
  isBackedUp?: boolean;
  counter?: number;
  userHandle?: string | null;
  /** Changes the signature. */
  sign?: (signature: Buffer) => Buffer;
  /** The statement about the maker, in CBOR. */
  attestation?: { format: string; statement: Buffer };
}

/** CBOR (RFC 8949): a head of a major type with a number. */
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}
const integer = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value));
const bytes = (data: Buffer) => Buffer.concat([head(2, data.length), data]);
const words = (text: string) => Buffer.concat([head(3, text.length), Buffer.from(text)]);
const map = (...entries: [Buffer, Buffer][]) => Buffer.concat([head(5, entries.length), ...entries.flat()]);
export const cbor = {
  integer,
  bytes,
  words,
  map,
  list: (...items: Buffer[]) => Buffer.concat([head(4, items.length), ...items]),
};

/** An authenticator with one passkey (ES256), in software. */
export class Authenticator {
  readonly id = randomBytes(32).toString("base64url");
  readonly #privateKey: KeyObject;
  readonly #publicKey: Buffer;
  userHandle: string | null = null;
  counter = 0;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#publicKey = map(
      [integer(1), integer(2)],
      [integer(3), integer(-7)],
      [integer(-1), integer(1)],
      [integer(-2), bytes(Buffer.from(x, "base64url"))],
      [integer(-3), bytes(Buffer.from(y, "base64url"))],
    );
  }

  /** `navigator.credentials.create()`. */
  create(options: Reply["body"], change: Ceremony = {}) {
    this.userHandle = options.user.id;
    const clientDataJSON = this.#clientData("webauthn.create", options.challenge, change);
    const key = Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([0, 32]),
      Buffer.from(this.id, "base64url"),
      this.#publicKey,
    ]);
    const data = Buffer.concat([this.#data(options.rp.id, FLAG.hasKey, change), key]);
    const { format, statement } = change.attestation ?? { format: "none", statement: map() };
    const attestation = map(
      [words("fmt"), words(format)],
      [words("attStmt"), statement],
      [words("authData"), bytes(data)],
    );
    const response = {
      clientDataJSON: clientDataJSON.toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    };
    return { ...this.#credential(), response };
  }

  /** `navigator.credentials.get()`. */
  get(options: Reply["body"], change: Ceremony = {}) {
    const clientDataJSON = this.#clientData("webauthn.get", options.challenge, change);
    const data = this.#data(options.rpId, 0, change);
    const signature = createSign("sha256").update(data).update(sha256(clientDataJSON)).sign(this.#privateKey);
    const { sign = (right: Buffer) => right, userHandle = this.userHandle } = change;
    const response = {
      clientDataJSON: clientDataJSON.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: sign(signature).toString("base64url"),
      userHandle,
    };
    return { ...this.#credential(), response };
  }

  #credential() {
    return { id: this.id, rawId: this.id, type: "public-key", clientExtensionResults: {} };
  }

  #clientData(type: string, challenge: string, change: Ceremony): Buffer {
    const { origin = PASSKEY_ORIGIN, crossOrigin = false, topOrigin } = change;
    const own = { type: change.type ?? type, challenge: change.challenge ?? challenge };
    return Buffer.from(JSON.stringify({ ...own, origin, crossOrigin, topOrigin }));
  }

  #data(rpId: string, extra: number, change: Ceremony): Buffer {
    const { isPresent = true, isVerified = true, isSyncable = false, isBackedUp = false } = change;
    const flags =
      extra |
      (isPresent ? FLAG.present : 0) |
      (isVerified ? FLAG.verified : 0) |
      (isSyncable ? FLAG.syncable : 0) |
      (isBackedUp ? FLAG.backedUp : 0);
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(change.counter ?? this.counter);
    return Buffer.concat([sha256(change.rpId ?? rpId), Buffer.from([flags]), counter]);
  }
}

/** A user with a passkey and a password. */
export interface PasskeyOwner {
  userId: string;
  address: string;
  factorId: string;
  recoveryCodes: string[];
  authenticator: Authenticator;
  /** Of the session that added the passkey. */
  tokens: Tokens;
}

type Access = Pick<Tokens, "access_token">;

export const addPasskey = (
  nest: TestNest,
  tokens: Access,
  change: Record<string, unknown> = {},
): Promise<Reply> => createFactor(nest, tokens, { factor_type: "webauthn", ...change });

export const verifyPasskey = (
  nest: TestNest,
  { access_token: bearer }: Access,
  factor_id: string,
  credential: object,
): Promise<Reply> => nest.call(`${V3}verify_mfa_factor`, { factor_id, credential }, { bearer });

/** Adds a passkey to a user with a password. */
export async function enrolPasskey(
  nest: TestNest,
  address: string,
  change: Ceremony = {},
): Promise<PasskeyOwner> {
  const userId = await givePassword(nest, address);
  const { body: tokens } = await signInWith(nest, address);
  const created = await addPasskey(nest, tokens);
  if (created.status !== 200) throw new Error(`create_mfa_factor answered ${created.raw}`);
  const { factor_id: factorId, passkey_options: options } = created.body;
  const authenticator = new Authenticator();
  const verified = await verifyPasskey(nest, tokens, factorId, authenticator.create(options, change));
  if (verified.status !== 200) throw new Error(`verify_mfa_factor answered ${verified.raw}`);
  return { userId, address, factorId, recoveryCodes: verified.body.recovery_codes, authenticator, tokens };
}

/** Opens a challenge for a sign-in, or for a second factor. */
export const openCeremony = (nest: TestNest, change: Record<string, unknown> = {}): Promise<Reply> =>
  nest.call(`${V3}create_passkey_challenge`, { client_id: NATIVE, ...change });

/** Presents a passkey to the grant `webauthn`. */
export const redeemPasskey = (
  nest: TestNest,
  challenge_id: string,
  credential: object,
  change: Record<string, unknown> = {},
): Promise<Reply> => {
  const own = { client_id: NATIVE, grant_type: "webauthn", challenge_id, credential };
  return nest.call(`${V3}authenticate_user`, { ...own, ...change });
};

/** Signs in with a passkey alone. */
export async function signInByPasskey(
  nest: TestNest,
  authenticator: Authenticator,
  change: Ceremony = {},
): Promise<Reply> {
  const { body } = await openCeremony(nest);
  return redeemPasskey(nest, body.challenge_id, authenticator.get(body.options, change));
}
