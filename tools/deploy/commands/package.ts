/** `npm run package`: the zips of all functions, see `package.ts`. */
import { FUNCTIONS_FOLDER, packageFunctions } from "#tools/deploy/package.ts";

await packageFunctions(FUNCTIONS_FOLDER, (line) => console.log(line));
