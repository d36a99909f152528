/**
 * Makes this folder's bundles.json.br with the code of an earlier commit: see README.md.
 *
 *     node make_bundles.mjs <checkout of commit 298d668> <folder>
 *
 * The file holds the code of each function by its name. One compressed file, since the functions share most of it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const NAMES = [
  "authenticate_user-2020-12-14",
  "get_subscription_status-2021-10-06",
  "get_user-2021-10-06",
  "send_magic_link-2020-12-14",
  "stripe_webhook",
];

const [checkout, folder] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(checkout, file)).href);
const { bundle } = await load("src/deploy/bundle.ts");
const { listFunctions } = await load("src/deploy/functions.ts");

const functions = (await listFunctions()).filter(({ name }) => NAMES.includes(name));
const { bundles } = await bundle(Object.fromEntries(functions.map(({ name, source }) => [name, source])));
const codes = Object.fromEntries(bundles.map(({ name, code }) => [name, new TextDecoder().decode(code)]));
const options = { params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 } };
await writeFile(join(folder, "bundles.json.br"), brotliCompressSync(JSON.stringify(codes), options));
