import type { Plugin } from "esbuild";

const LIBRARY = /node_modules[\\/]@simplewebauthn[\\/]server[\\/]/;
/** The file that reads ECDSA signatures, which are in ASN.1 too. */
const SIGNATURES = /[\\/]unwrapEC2Signature\.js$/;
/** The one class of the package that it uses. The others need the classes of certificates. */
const SIGNATURE = "@peculiar/asn1-ecc/build/es2015/ec_signature_value.js";

/**
 * Leaves the parsers of X.509 certificates out of the library for passkeys: they are most of it. Only attestations have certificates,
 * and `verify_registration.ts` refuses those before the library sees them. The parser of signatures stays.
 */
export const noCertificates: Plugin = {
  name: "no-certificates",
  setup(build) {
    build.onResolve(
      { filter: /^(@peculiar\/|reflect-metadata$)/ },
      ({ path, importer, kind, resolveDir }) => {
        if (!LIBRARY.test(importer)) return null;
        if (!SIGNATURES.test(importer)) return { path, namespace: "no-certificates" };
        return path === "@peculiar/asn1-ecc" ? build.resolve(SIGNATURE, { kind, resolveDir }) : null;
      },
    );
    // CommonJS, whose missing exports are undefined.
    build.onLoad({ filter: /./, namespace: "no-certificates" }, () => ({ contents: "module.exports = {};" }));
  },
};
