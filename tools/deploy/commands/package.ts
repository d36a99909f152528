/** `npm run package`: writes the zips of all functions and their source maps, see `zip_functions.ts`. */
import { PACKAGE_FOLDER, writePackage } from "#tools/deploy/zip_functions.ts";

for (const line of await writePackage(PACKAGE_FOLDER)) console.log(line);
