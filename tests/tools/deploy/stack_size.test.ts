import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import type { Variables } from "#core/config.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { dropUnlisted, type Service } from "#tools/deploy/drop_unlisted.ts";
import { generatedFiles } from "#tools/deploy/generated_files.ts";
import { serverless } from "#tools/deploy/serverless.ts";
import { measureStack, sizeProblems } from "#tools/deploy/stack_size.ts";
import { callWithOneRole, type Template } from "#tools/deploy/template.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { settingsPath } from "#tools/stage/settings.ts";

/** Those of today, of which there are fewer than 100, and some to come. */
const FUNCTIONS = 105;
const ON_THREE_DATES = 20;
const DATES = ["2020-12-14", "2021-10-06", "2026-12-01"];
/** Secrets that some methods read; their subsets give dummies 15 different roles. */
const OPTIONAL_SECRETS = ["RATE_LIMIT_KEY", "REFRESH_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"];

/** The declared functions that are not methods, and dummy methods up to `FUNCTIONS`. */
async function dummyFunctions(): Promise<DeployedFunction[]> {
  const declared = await listFunctions();
  const others = declared.filter(({ routes }) => !routes.some((route) => route.startsWith("POST /1/2")));
  const variables: Variables = Object.assign({}, ...declared.map(({ needs }) => needs.variables));
  const methods = Array.from({ length: FUNCTIONS - others.length }, (_, index) => {
    const dates = index < ON_THREE_DATES ? DATES : DATES.slice(-1);
    const left = OPTIONAL_SECRETS.filter((_secret, bit) => ((index % 15) >> bit) % 2 === 0);
    const read = Object.entries(variables).filter(([name]) => !left.includes(name));
    return {
      name: `dummy_method_${index}-${dates[0]}`,
      source: "none.ts",
      summary: "A dummy.",
      routes: dates.map((date) => `POST /1/${date}/dummy_method_${index}`),
      ...{ events: null, schedule: null, adapter: null },
      needs: { variables: Object.fromEntries(read), awsActions: [] },
      memoryMb: 1024,
      timeoutSeconds: 7,
    };
  });
  return [...others, ...methods];
}

/** Packages functions with the repository's serverless.yml, in a folder of its own, and without the plugin but for its role. */
async function packageDummies(folder: string, functions: readonly DeployedFunction[]): Promise<Template> {
  await cp("deploy", join(folder, "deploy"), { recursive: true });
  await mkdir(dirname(join(folder, settingsPath("nonprod"))), { recursive: true });
  await cp(await writeSettings(folder), join(folder, settingsPath("nonprod")));
  const { plugins: _plugins, ...service } = parse(await readFile("serverless.yml", "utf8"));
  await writeFile(join(folder, "serverless.yml"), stringify(service));
  for (const [path, content] of Object.entries(generatedFiles(functions)))
    await writeFile(join(folder, path), content);
  await symlink(join(process.cwd(), "node_modules"), join(folder, "node_modules"), "dir");
  // Packaging empties .serverless, so the zips lie elsewhere; their content does not change the template.
  await mkdir(join(folder, "zips"));
  for (const { name } of functions) await writeFile(join(folder, "zips", `${name}.zip`), name);
  const file = join(folder, "deploy/functions.yml");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll(".serverless/", "zips/"));
  await serverless(["package"], { stage: "nonprod", folder });
  const template = join(folder, ".serverless/cloudformation-template-update-stack.json");
  const packaged = JSON.parse(await readFile(template, "utf8")) as Template;
  callWithOneRole(packaged);
  return packaged;
}

describe("a stack of 105 functions, 20 of them on three dates, with its alarms", () => {
  let folder: string;
  let template: Template;
  let routes = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nest-stack-size-"));
    const functions = await dummyFunctions();
    routes = functions.flatMap((one) => one.routes).length;
    template = await packageDummies(folder, functions);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("fits below the ceilings of resources and routes", () => {
    const size = measureStack(template);
    expect(sizeProblems(size)).toEqual([]);
    expect(size.functions).toBe(FUNCTIONS);
    expect(size.roles).toBeGreaterThanOrEqual(15);
    expect(size.routes).toBe(routes);
    expect(routes).toBeGreaterThan(FUNCTIONS + ON_THREE_DATES);
  });

  test("has one route for all paths and HTTP methods of an adapter, and a role for its function", () => {
    const routes = Object.values(template.Resources).filter(({ Type }) => Type.endsWith("::Route"));
    expect(routes.map(({ Properties }) => Properties.RouteKey)).toContain("ANY /beep/{proxy+}");
    expect(template.Resources.BeepLambdaFunction?.Properties.Role).toEqual({
      "Fn::Sub": expect.stringMatching(/SesSendEmailSnsPublish/),
    });
  });

  test("has the alarms of the real stack", () => {
    const alarms = Object.values(template.Resources).filter(({ Type }) => Type === "AWS::CloudWatch::Alarm");
    expect(alarms.length).toBeGreaterThan(10);
  });
});

test("a stage without an adapter has neither its function nor a role of it alone", async () => {
  const files = generatedFiles(await listFunctions());
  const { Resources } = parse(files["deploy/roles.yml"] ?? "");
  const service: Service = {
    functions: parse(files["deploy/functions.yml"] ?? ""),
    resources: { Resources: { ...Resources, OwnRole: { Type: "AWS::IAM::Role" } } },
  };
  service.functions.beep = {
    ...service.functions.beep,
    role: { "Fn::Sub": ["$", "{OwnRole.Arn}"].join("") },
  };
  const names = Object.keys(service.functions);
  dropUnlisted(service, names);
  expect(Object.keys(service.resources.Resources)).toContain("OwnRole");
  const others = names.filter((name) => name !== "beep");
  dropUnlisted(service, others);
  expect(Object.keys(service.functions)).toEqual(others);
  expect(Object.keys(service.resources.Resources)).not.toContain("OwnRole");
});

test.each([
  ["resources", 451, "AWS::Logs::LogGroup", /451 resources.*500.*\/1\/\{date\}\/<method>/],
  ["routes", 271, "AWS::ApiGatewayV2::Route", /271 routes.*300.*\/1\/\{date\}\/<method>/],
] as const)("a stack with too many %s is refused, with what to do next", (_kind, count, Type, message) => {
  const resources = (length: number) =>
    Object.fromEntries(Array.from({ length }, (_, index) => [`R${index}`, { Type, Properties: {} }]));
  expect(sizeProblems(measureStack({ Resources: resources(count) }))).toEqual([
    expect.stringMatching(message),
  ]);
  expect(sizeProblems(measureStack({ Resources: resources(count - 1) }))).toEqual([]);
});
