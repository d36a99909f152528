import { readFile } from "node:fs/promises";
import type { ZodMiniType } from "zod/mini";
import { originOf, type Variables } from "#core/config.ts";
import { awsVariables } from "#core/services/aws.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { FROM_STACK, isRequired } from "#tools/stage/serverless_functions.ts";

export const path = "docs/configure.md";

const code = (text: string) => `\`${text}\``;
const read = (file: string) => readFile(new URL(`../../../${file}`, import.meta.url), "utf8");

/** What `.env.example` says of a variable: the comment above it, or above its group, and a value. */
interface Described {
  says: string;
  value: string;
}

/** @returns by name, in the file's order */
function parseExample(text: string): Map<string, Described> {
  const described = new Map<string, Described>();
  let comment: string[] = [];
  let isOver = true;
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^([A-Z_0-9]+)=(.*)$/.exec(line) ?? [];
    if (line === "") comment = [];
    if (line.startsWith("# ")) {
      comment = isOver ? [line.slice(2)] : [...comment, line.slice(2)];
      isOver = false;
    } else if (name) {
      described.set(name, { says: comment.join(" "), value });
      isOver = true;
    }
  }
  return described;
}

const ONLY_LOCAL = "nowhere: only tests and the local stack set it";

/** Where a deployment has a variable from. */
function placeOf(name: string, schema: ZodMiniType): string {
  const origin = originOf(schema);
  if (origin === "lambda") return "Lambda sets it";
  if (origin === "local") return ONLY_LOCAL;
  if (origin !== "setting") {
    const parameter = code(origin.parameter ?? name);
    return origin.isSecret ? `SSM, secret ${parameter}` : `SSM, ${parameter}, which ${code("config")} writes`;
  }
  return name in FROM_STACK
    ? "the stack makes it of the stage file"
    : `stage file, ${code(`variables.${name}`)}`;
}

interface Row {
  name: string;
  places: Set<string>;
  isRequired: boolean;
  functions: string[];
}

async function rows(names: readonly string[]): Promise<Row[]> {
  const functions = await listFunctions();
  const ofAws: Variables = awsVariables;
  return names.map((name) => {
    const schema = ofAws[name];
    if (schema) return { name, places: new Set([placeOf(name, schema)]), isRequired: false, functions: [] };
    const readers = functions.flatMap(({ name: reader, needs }) => {
      const schema = needs.variables[name];
      return schema ? [{ reader: reader.replace(/-[\d-]+$/, ""), schema }] : [];
    });
    return {
      name,
      places: new Set(readers.map(({ schema }) => placeOf(name, schema))),
      isRequired: readers.some(({ schema }) => isRequired(schema)),
      functions: [...new Set(readers.map(({ reader }) => reader))],
    };
  });
}

/** Who reads a variable, in few words. */
function readersOf({ functions }: Row, all: number): string {
  if (functions.length === 0) return "whatever calls AWS";
  if (functions.length === all) return "every function";
  if (functions.length > all / 2) return `${functions.length} of ${all} functions`;
  return functions.map(code).join(", ");
}

export async function render() {
  const described = parseExample(await read(".env.example"));
  const table = await rows([...described.keys()]);
  const all = new Set(table.flatMap(({ functions }) => functions)).size;
  const stage = await read("deploy/stages/nonprod.yml");
  return [
    "# Configure",
    "A function reads environment variables and nothing else, and only those of the parts that it uses. One that " +
      "lacks something answers `unknown`, and names every bad variable at once in its log, and no value. " +
      "`npm run nest -- config check --stage <stage>` says the same before a deploy, and refuses it.",
    "`npm start` needs none of these. The commands of [the operator's program](cli.md) read them from the environment " +
      "or from `.env`; [`.env.example`](../.env.example) is a file to begin with.",
    "## Variables",
    "Not needed means that the code has a default, or does without. In AWS, what comes from SSM reaches a function as " +
      "`<NAME>_PARAMETER`, the parameter's name and version ([decision 12](decisions/0012_secrets_from_ssm.md)). The " +
      "default shown is that of `.env.example`.",
    {
      head: ["Variable", "What it is", "Needed", "Default or example", "Comes from", "Read by"],
      rows: table.map((row) => {
        const { says = "", value = "" } = described.get(row.name) ?? {};
        return [
          code(row.name),
          says.replaceAll("<", "&lt;"),
          row.isRequired ? "yes" : "no",
          value === "" ? "" : code(value),
          [...row.places].join("; "),
          readersOf(row, all),
        ];
      }),
    },
    "## A stage file",
    "What a deployment has that is no secret, in `deploy/stages/<stage>.yml`. [Deploy](deploy.md) says what must be " +
      "there before the first deploy. As committed for nonprod:",
    ["```yaml", stage.trimEnd(), "```"].join("\n"),
    "## On a developer's machine",
    {
      head: ["Variable", "What it is", "Read by"],
      rows: LOCAL.map(([names, says, readers]) => [names.split(", ").map(code).join(", "), says, readers]),
    },
  ];
}

/** What our programs read beside the variables of functions. A test holds the names against the code. */
export const LOCAL: readonly (readonly [name: string, says: string, readers: string])[] = [
  ["PORT", "Where the local stack listens; 3000", "`npm start`, `npm run nest -- --local`"],
  [
    "NEST_CACHE_DIR",
    "Where downloaded and built programs lie; `~/.cache/nest`",
    "`npm start`, `npm test`, proofs",
  ],
  ["NEST_DATA_DIR", "What `npm start` keeps between runs; the cache's folder `local`", "`npm start`"],
  ["MONGODB_URI", "A database to use instead of the one that Nest finds", "`npm start`, `npm test`"],
  ["CHROME_PATH", "A Chrome or Chromium that is in no usual place", "browser tests, `npm run mail:preview`"],
  [
    "STRIPE_SECRET_KEY",
    "With a test key, and a price and product of its account, Stripe's test mode",
    "`npm start`",
  ],
  [
    "STRIPE_CONTRACT_KEY",
    "A test key of a sandbox, which the suites about Stripe then use too",
    "`npm run stripe:sandbox`",
  ],
  ["FROM_MONGODB_URI", "The database of the service of 2022", "`npm run nest -- db import`"],
  ["SCREENSHOT_DIR", "Where browser tests draw what they saw, for a person to look at", "`npm test`"],
  ["CI", "Set in CI: what would be skipped with a reason fails", "`npm test`, `npm run secrets`"],
  [
    "CHAOS_SEED, CHAOS_RUNS, CHAOS_TRIALS, MODEL_SECONDS, MODEL_SEED, MODEL_PATH, MODEL_REPLAY, FAULTS, FAULTS_SEED, FAULTS_ONLY",
    "How long, and which, the stories are that tests tell by chance",
    "`npm run stories`, `chaos`, `model`, `faults`",
  ],
];
