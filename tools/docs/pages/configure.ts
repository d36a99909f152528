import { readFile } from "node:fs/promises";
import type { ZodMiniType } from "zod/mini";
import { originOf, type Variables } from "#core/config.ts";
import { awsVariables } from "#core/services/aws.ts";
import { listFunctions } from "#tools/stage/functions.ts";
import { FROM_STACK, isRequired } from "#tools/stage/variables.ts";

export const path = "docs/configure.md";

const code = (text: string) => `\`${text}\``;
const read = (file: string) => readFile(new URL(`../../../${file}`, import.meta.url), "utf8");

/** A variable in `.env.example`: the comment above it, or above its group, and its value. */
interface Described {
  description: string;
  value: string;
}

/** @returns the variables by name, in the order of the file */
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
      described.set(name, { description: comment.join(" "), value });
      isOver = true;
    }
  }
  return described;
}

const ONLY_LOCAL = "not in a deployment: only tests and the local stack set it";

/** Where a deployment takes a variable from. */
function placeOf(name: string, schema: ZodMiniType): string {
  const origin = originOf(schema);
  if (origin === "lambda") return "Lambda sets it";
  if (origin === "local") return ONLY_LOCAL;
  if (origin !== "setting") {
    const parameter = code(origin.parameter ?? name);
    return origin.isSecret
      ? `SSM, secret ${parameter}`
      : `SSM, ${parameter}, written by ${code("nest config")}`;
  }
  return name in FROM_STACK
    ? "the stack derives it from the stage file"
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

/** The functions that read a variable, in a few words. */
function readersOf({ functions }: Row, all: number): string {
  if (functions.length === 0) return "functions that call AWS";
  if (functions.length === all) return "every function";
  if (functions.length > all / 2) return `${functions.length} of ${all} functions`;
  return functions.map(code).join(", ");
}

/** @returns the blocks of the page */
export async function render() {
  const described = parseExample(await read(".env.example"));
  const table = await rows([...described.keys()]);
  const all = new Set(table.flatMap(({ functions }) => functions)).size;
  const stage = await read("app/beak/stages/nonprod.yml");
  return [
    "# Configure",
    "Every environment variable of a deployment and of a developer's machine, for operators and developers.",
    "A function reads its configuration from environment variables only, and only the variables of the parts that it uses. " +
      "If one is missing or invalid, the function returns `unknown` and its log lists all missing or invalid variables at " +
      "once, without their values. `npm run nest -- config check --stage <stage>` makes the same check before a deployment; " +
      "`npm run deploy` refuses to deploy if it fails.",
    "`npm start` needs none of these variables. [The nest command](cli.md) reads them from the environment or from `.env`; " +
      "copy [`.env.example`](../.env.example) to begin.",
    "## Variables",
    "A variable that is not required has a default or switches a feature off. In AWS, a value from SSM reaches a function " +
      "as `<NAME>_PARAMETER`, which holds the name and version of the parameter " +
      "([decision 12](decisions/0012_secrets_from_ssm.md)). The defaults shown are those of `.env.example`.",
    {
      head: ["Variable", "Meaning", "Required", "Default or example", "Source in AWS", "Read by"],
      rows: table.map((row) => {
        const { description = "", value = "" } = described.get(row.name) ?? {};
        return [
          code(row.name),
          description.replaceAll("<", "&lt;"),
          row.isRequired ? "yes" : "no",
          value === "" ? "" : code(value),
          [...row.places].join("; "),
          readersOf(row, all),
        ];
      }),
    },
    "## Stage file",
    "`app/<name>/stages/<stage>.yml` holds the settings of a deployment that are not secret. [Deploy](deploy.md) lists what the " +
      "first deployment needs. The file for nonprod:",
    ["```yaml", stage.trimEnd(), "```"].join("\n"),
    "## On a developer's machine",
    {
      head: ["Variable", "Meaning and default", "Read by"],
      rows: LOCAL.map(([names, description, readers]) => [
        names.split(", ").map(code).join(", "),
        description,
        readers,
      ]),
    },
    "Next: [deploy](deploy.md), [limits and cost](limits_and_cost.md).",
  ];
}

/** The variables of programs other than the deployed functions. A test compares the names with the code. */
export const LOCAL: readonly (readonly [names: string, description: string, readers: string])[] = [
  ["PORT", "The port of the local stack; 3000", "`npm start`, `npm run nest -- --local`"],
  [
    "NEST_CACHE_DIR",
    "The folder for downloaded and built programs; `~/.cache/nest`",
    "`npm start`, `npm test`, `npm run verify:*`",
  ],
  [
    "NEST_DATA_DIR",
    "The folder for data that `npm start` keeps between runs; `local` in the cache folder",
    "`npm start`",
  ],
  [
    "MONGODB_URI",
    "The database to use instead of the one that Nest finds or starts",
    "`npm start`, `npm test`",
  ],
  [
    "CHROME_PATH",
    "The path of Chrome or Chromium, if it is not in a usual place",
    "browser tests, `npm run nest -- mail preview`",
  ],
  ["STRIPE_SECRET_KEY", "A test key, with which the local stack uses Stripe's test mode", "`npm start`"],
  [
    "STRIPE_CONTRACT_KEY",
    "A test key of a Stripe sandbox, which the Stripe contract tests then run against",
    "`npm run nest -- stripe sandbox`",
  ],
  ["FROM_MONGODB_URI", "The database of the 2022 service", "`npm run nest -- db import`"],
  ["SCREENSHOT_DIR", "The folder where browser tests save screenshots", "`npm test`"],
  ["CI", "Set in CI: checks that would be skipped fail instead", "`npm test`, `npm run security`"],
  ["SEED", "Repeats a randomized test with the seed that it printed", "`npm test`, `npm run test:faults`"],
  ["CLIENT_LIVES", "How many random sequences of calls the typed client's property test runs", "`npm test`"],
  [
    "FAULTS_RUNS, FAULTS_DELIVERIES, FAULTS_SECONDS, FAULTS_ALL, FAULTS_ONLY, FAULTS_REPORTS",
    "Set by `npm run test:faults` from its options",
    "`npm run test:faults`",
  ],
  [
    "FAULTS_SHRINK",
    "`no`: a random billing history that fails is not shrunk. `npm run test:promises` sets it",
    "`npm run test:faults`",
  ],
];
