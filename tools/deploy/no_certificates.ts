import type { Plugin } from "esbuild";

const LIBRARY = /node_modules[\\/]@simplewebauthn[\\/]server[\\/]/;

/**
 * Leaves the parsers of X.509 certificates out of the library for passkeys: they are nine tenths of it. Only attestations have
 * certificates, and `verify_registration.ts` refuses those before the library sees them.
 */
export const noCertificates: Plugin = {
  name: "no-certificates",
  setup(build) {
    build.onResolve({ filter: /^(@peculiar\/|reflect-metadata$)/ }, ({ path, importer }) =>
      LIBRARY.test(importer) ? { path, namespace: "no-certificates" } : null,
    );
    // CommonJS, whose missing exports are undefined.
    build.onLoad({ filter: /./, namespace: "no-certificates" }, () => ({ contents: "module.exports = {};" }));
  },
};
