import { unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { ERRORS } from "#core/error_codes.ts";
import { type Bundle, bundle } from "#tools/deploy/bundle.ts";
import { ADD_ON, readAddOn } from "#tools/deploy/native_add_ons.ts";
import { zipFunction } from "#tools/deploy/zip.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";

const KB = 1024;
/** The most bytes of a function's code, by the libraries that it contains. */
const DRIVER = 722 * KB;
const DRIVER_AND_STRIPE = 964 * KB;
const NEITHER = 53 * KB;
/** What mail adds to either: the markup, and the texts of each locale of the app. */
const MAIL = { code: 54 * KB, zip: 10 * KB };
/** What the metadata of phone numbers of every country adds. */
const PHONES = { code: 190 * KB, zip: 60 * KB };
/** What comparing passwords adds, also those of other systems. */
const HASHES = { code: 60 * KB, zip: 16 * KB };
/** What the list of common passwords adds to the methods that set one. */
const COMMON_PASSWORDS = { code: 350 * KB, zip: 206 * KB };
/** What checking the codes of authenticator apps adds. */
const AUTHENTICATOR = { code: 20 * KB, zip: 7 * KB };
/** What adding a second factor adds: who may add it and which, and the row of a refusal in the audit log. */
const NEW_FACTOR = { code: 6 * KB, zip: 2 * KB };
/** What drawing the picture for an authenticator app adds. */
const PICTURE = { code: 36 * KB, zip: 9 * KB };
/** What starting a session adds: judging the second factor, tokens, and what a new device and a first proof cause. */
const SIGN_IN = { code: 8 * KB, zip: 5 * KB };
/** What asking OAuth providers who a person is adds. */
const OAUTH = { code: 40 * KB, zip: 12 * KB };
/** What the verification of new passkeys adds, and of signatures of passkeys, which are in ASN.1. */
const PASSKEYS = { code: 156 * KB, zip: 50 * KB };
/** What the removal of dangerous HTML from mails of internal callers adds. */
const SANITIZER = { code: 180 * KB, zip: 72 * KB };
/** What the methods of an adapter add, up to eight of which are in one function, and the pages and cookies of adapters. */
const ADAPTER = { code: 88 * KB, zip: 24 * KB };
/** What the adapter with 24 methods adds beyond that: factors, passkeys, OAuth, users, webhooks, the audit log and pages. */
const MANY_METHODS = { code: 108 * KB, zip: 34 * KB };
/** The most bytes of its zip, which a cold start downloads, by the limit of its code. */
const ZIPS: Readonly<Record<number, number>> = {
  [NEITHER]: 20 * KB,
  [DRIVER]: 211 * KB,
  [DRIVER_AND_STRIPE]: 250 * KB,
};

let functions: DeployedFunction[];
let bundles: Bundle[];
/** The source files that contribute to each function. */
let content: Map<string, string[]>;

const bundleAll = () =>
  bundle(Object.fromEntries(functions.map(({ name, source }) => [name, source])), { hasMaps: false });

beforeAll(async () => {
  functions = await listFunctions();
  const made = await bundleAll();
  bundles = made.bundles;
  content = new Map(
    Object.entries(made.metafile.outputs)
      .filter(([file]) => file.endsWith(".js"))
      .map(([file, { inputs }]) => [
        file.replace(/^.*\/|\.js$/g, ""),
        Object.entries(inputs).flatMap(([input, { bytesInOutput }]) => (bytesInOutput > 0 ? [input] : [])),
      ]),
  );
});

const holders = (part: RegExp) =>
  [...content].flatMap(([name, inputs]) => (inputs.some((input) => part.test(input)) ? [name] : [])).sort();
const reading = (variable: string) =>
  functions.flatMap(({ name, needs }) => (variable in needs.variables ? [name] : [])).sort();

describe("a function's code", () => {
  test("is within its size budget, and so is its zip", () => {
    const withDriver = holders(/node_modules\/mongodb\//);
    const withStripe = holders(/node_modules\/stripe\//);
    const parts = [
      { names: holders(/src\/core\/messages\/templates\//), size: MAIL },
      { names: holders(/node_modules\/libphonenumber-js\//), size: PHONES },
      { names: holders(/node_modules\/bcryptjs\//), size: HASHES },
      { names: holders(/node_modules\/@zxcvbn-ts\//), size: COMMON_PASSWORDS },
      { names: holders(/node_modules\/otpauth\//), size: AUTHENTICATOR },
      { names: holders(/src\/core\/factors\/factor_owner\.ts/), size: NEW_FACTOR },
      { names: holders(/node_modules\/qrcode\//), size: PICTURE },
      { names: holders(/src\/core\/sessions\/issue_session\.ts/), size: SIGN_IN },
      { names: holders(/node_modules\/openid-client\//), size: OAUTH },
      { names: holders(/node_modules\/sanitize-html\//), size: SANITIZER },
      { names: holders(/node_modules\/@simplewebauthn\//), size: PASSKEYS },
      { names: functions.flatMap(({ name, adapter }) => (adapter === null ? [] : [name])), size: ADAPTER },
      { names: ["service_authentication"], size: MANY_METHODS },
    ];
    for (const { name, code } of bundles) {
      const limit = withStripe.includes(name)
        ? DRIVER_AND_STRIPE
        : withDriver.includes(name)
          ? DRIVER
          : NEITHER;
      const added = parts.filter(({ names }) => names.includes(name)).map(({ size }) => size);
      const most = added.reduce((sum, { code, zip }) => ({ code: sum.code + code, zip: sum.zip + zip }), {
        code: limit,
        zip: ZIPS[limit] ?? 0,
      });
      const atMost = (most: number) => expect.toSatisfy((size: number) => size <= most);
      expect(code.length, name).toEqual(atMost(most.code));
      expect(zipFunction(code).length, name).toEqual(atMost(most.zip));
    }
  });

  test("contains the driver, Stripe's SDK, mail templates and the rate limiter only if it uses them", () => {
    expect(holders(/node_modules\/mongodb\//)).toEqual(reading("MONGODB_URI"));
    expect(holders(/node_modules\/stripe\//)).toEqual(reading("STRIPE_SECRET_KEY"));
    for (const part of [/src\/core\/messages\/templates\//, /compiled_markup/, /^app-data:#app\/messages/])
      expect(holders(part)).toEqual(reading("MAIL_FROM"));
    // Links that an administrator orders are not limited; they need the key for the hash of a code.
    expect(holders(/src\/core\/rate_limits\/rate_limiter\.ts/)).toEqual(
      reading("RATE_LIMIT_KEY").filter((name) => !/^create_(password_reset|user)-/.test(name)),
    );
    expect(holders(/src\/core\/services\/ssm\.ts/)).toEqual(
      functions.flatMap(({ name }) => (name === "unmatched" ? [] : [name])).sort(),
    );
  });

  test("contains the metadata of phone numbers only if it reads numbers that people type", () => {
    expect(holders(/node_modules\/libphonenumber-js\//)).toEqual([
      "add_account_user-2026-12-01",
      "authenticate_user-2026-12-01",
      "beep",
      "create_mfa_factor-2026-12-01",
      "create_password_reset-2026-12-01",
      "create_user-2026-12-01",
      "register_user-2026-12-01",
      "reset_password-2026-12-01",
      "send_mfa_code-2026-12-01",
      "send_otp-2026-12-01",
      "send_password_reset-2026-12-01",
      "send_verification-2026-12-01",
      "service_authentication",
      "static_backend",
    ]);
  });

  test("verifies passkeys only if it takes them, and has no parser of certificates", () => {
    expect(holders(/node_modules\/@simplewebauthn\//)).toEqual([
      ...["authenticate_user-2026-12-01", "beep", "service_authentication", "static_backend"],
      "verify_mfa_factor-2026-12-01",
    ]);
    expect(holders(/node_modules\/(@peculiar\/(?!asn1-schema|asn1-ecc|utils)|reflect-metadata)/)).toEqual([]);
  });

  test("loads the native add-on for Argon2 only if it uses passwords", () => {
    expect(bundles.flatMap(({ name, usesAddOn }) => (usesAddOn ? [name] : [])).sort()).toEqual(
      reading("PASSWORD_PEPPERS"),
    );
    for (const { name, code, usesAddOn } of bundles)
      if (!usesAddOn) expect(new TextDecoder().decode(code).toLowerCase(), name).not.toContain("argon2");
  });

  test("contains no excluded library, and nothing of tools, packages and tests", () => {
    const out =
      /zod\/v4\/(locales|classic)|\/tr46\/|\/whatwg-url\/|@aws-sdk|@smithy|nested-clients|^(packages|tests)\/|^tools\/(?!deploy\/node_url\.ts)/;
    expect(holders(out)).toEqual([]);
  });

  test("contains the status of every error and no description", () => {
    const [code] = bundles.map((one) => new TextDecoder().decode(one.code));
    for (const [error, [status, description]] of Object.entries(ERRORS)) {
      expect(code).toContain(`${error}:[${status}]`);
      expect(code).not.toContain(description);
    }
  });

  test("requires nothing but modules of Node", () => {
    for (const { name, code } of bundles) {
      const asked = [...new TextDecoder().decode(code).matchAll(/require\("([^"]+)"\)/g)].map(
        ([, id]) => id ?? "",
      );
      const foreign = asked.filter(
        (id) => !id.startsWith("node:") && !isBuiltIn(id) && !OPTIONAL.includes(id) && id !== `./${ADD_ON}`,
      );
      expect(foreign, name).toEqual([]);
    }
  });
});

const isBuiltIn = (id: string) => process.getBuiltinModule(id) !== undefined;
/** Optional dependencies of MongoDB's driver. */
const OPTIONAL = [
  "@aws-sdk/credential-providers",
  "@mongodb-js/zstd",
  "gcp-metadata",
  "kerberos",
  "mongodb-client-encryption",
  "snappy",
  "socks",
];

describe("a zip", () => {
  test("has the same bytes in another run and another time zone", async () => {
    const again = await bundleAll();
    for (const [index, { name, code }] of bundles.entries())
      expect(Buffer.compare(code, again.bundles[index]?.code ?? new Uint8Array()), name).toBe(0);
    const code = bundles[0]?.code ?? new Uint8Array();
    const first = zipFunction(code);
    const zone = process.env.TZ;
    process.env.TZ = "Pacific/Kiritimati";
    const second = zipFunction(code);
    process.env.TZ = zone;
    expect(Buffer.compare(first, second)).toBe(0);
  });

  test("contains the add-on beside the handler, which Lambda's processor can run", async () => {
    const addOn = await readAddOn("lambda");
    const code = new TextEncoder().encode('require("./argon2.node");');
    expect(unzipSync(zipFunction(code, { [ADD_ON]: addOn }))).toEqual({
      "index.js": code,
      "argon2.node": new Uint8Array(addOn),
    });
    // ELF header: 64 bits, little endian, a shared object (e_type 3) for AArch64 (e_machine 183).
    const header = Buffer.from(addOn);
    expect(header.subarray(0, 6)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
    expect([header.readUInt16LE(16), header.readUInt16LE(18)]).toEqual([3, 183]);
  });

  test("contains one file, the handler, which every user may read", () => {
    const code = new TextEncoder().encode("exports.handler = async () => {};");
    const zip = zipFunction(code);
    expect(unzipSync(zip)).toEqual({ "index.js": code });
    // The record in the central directory: made on Unix, a regular file, mode 0644 (APPNOTE 4.4.2, 4.4.15).
    const record = Buffer.from(zip).indexOf(Buffer.from("PK\u0001\u0002", "latin1"));
    expect(zip[record + 5]).toBe(3);
    expect(Buffer.from(zip).readUInt32LE(record + 38) >>> 16).toBe(0o100644);
  });
});
