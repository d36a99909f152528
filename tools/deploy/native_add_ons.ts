import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Metafile, Plugin } from "esbuild";
import { lambdaArgon2 } from "#tools/deploy/lambda_argon2.ts";

/** The package whose native add-on functions load, and the name of the add-on in their zip. */
const PACKAGE = "@node-rs/argon2";
export const ADD_ON = "argon2.node";

/**
 * Makes functions load the native add-on for Argon2 from beside their code. The package itself looks for the binary of the
 * machine, and bundles would contain the names of all of them. Code that uses no passwords does not refer to it.
 */
export const nativeAddOns: Plugin = {
  name: "native-add-ons",
  setup(build) {
    build.onResolve({ filter: /^@node-rs\/argon2$/ }, () => ({
      path: `./${ADD_ON}`,
      external: true,
      sideEffects: false,
    }));
  },
};

/** Whether a bundle loads the add-on. @param output the bundle in esbuild's metafile */
export const usesAddOn = ({ imports }: Metafile["outputs"][string]): boolean =>
  imports.some(({ path, external }) => external === true && path === `./${ADD_ON}`);

/**
 * Reads the add-on. Its version and its integrity are those of the lock file.
 * @param target where the functions run: in Lambda, or on this machine
 */
export const readAddOn = (target: "lambda" | "here"): Promise<Uint8Array> =>
  target === "lambda" ? lambdaArgon2() : argon2OfThisMachine();

/** The binary that the package loads on this machine. */
async function argon2OfThisMachine(): Promise<Uint8Array> {
  const require = createRequire(import.meta.url);
  require(PACKAGE);
  const loaded = Object.keys(require.cache).find((file) => /argon2[^/\\]*\.node$/.test(file));
  if (loaded === undefined) throw new Error(`${PACKAGE} loaded no native add-on. Run \`npm ci\`.`);
  return readFile(loaded);
}
