import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from "@aws-sdk/client-iam";
import { type FunctionConfiguration, LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { DescribeParametersCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { environmentOf, parameterOf } from "#tools/stage/serverless_functions.ts";

/** Something is not as the declarations say. */
class Mismatch extends Error {}

function same(what: string, found: unknown, wanted: unknown): void {
  const [one, other] = [found, wanted].map((value) => JSON.stringify(value));
  if (one !== other) throw new Mismatch(`${what}: ${one}, and should be ${other}`);
}

/** Looks at what a deployment made, by AWS's own APIs, and holds it against the declarations. */
export class Deployed {
  readonly #prefix: string;
  readonly #lambda: LambdaClient;
  readonly #iam: IAMClient;
  readonly #logs: CloudWatchLogsClient;
  readonly #ssm: SSMClient;

  constructor(stage: string, region: string) {
    this.#prefix = `nest-${stage}`;
    this.#lambda = new LambdaClient({ region });
    this.#iam = new IAMClient({ region });
    this.#logs = new CloudWatchLogsClient({ region });
    this.#ssm = new SSMClient({ region });
  }

  async functionNames(): Promise<string[]> {
    return [...(await this.#listFunctions()).keys()].sort();
  }

  /** The names in the environment of a function, with their values. */
  async environment(name: string): Promise<Record<string, string>> {
    return (await this.#listFunctions()).get(name)?.Environment?.Variables ?? {};
  }

  async checkFunctions(functions: readonly DeployedFunction[]): Promise<string> {
    const live = await this.#listFunctions();
    same("functions", [...live.keys()].sort(), functions.map(({ name }) => name).sort());
    for (const wanted of functions) {
      const { Runtime, MemorySize, Timeout, Handler, Environment } = live.get(wanted.name) ?? {};
      same(
        wanted.name,
        [Runtime, MemorySize, Timeout, Handler],
        ["nodejs24.x", wanted.memoryMb, wanted.timeoutSeconds, "index.handler"],
      );
      const possible = Object.keys(environmentOf(wanted));
      const given = Object.keys(Environment?.Variables ?? {});
      same(
        `${wanted.name}: variables that it does not read`,
        given.filter((name) => !possible.includes(name)),
        [],
      );
      const parameters = possible.filter((name) => name.endsWith("_PARAMETER"));
      same(
        `${wanted.name}: parameters`,
        parameters.filter((name) => !given.includes(name)),
        [],
      );
    }
    return `${live.size}: runtime, memory, timeout, variables`;
  }

  async checkRoles(functions: readonly DeployedFunction[]): Promise<string> {
    const live = await this.#listFunctions();
    const roles = new Set<string>();
    for (const { name, needs } of functions) {
      const role = live.get(name)?.Role?.split("/").at(-1) ?? "";
      roles.add(role);
      const { PolicyNames } = await this.#iam.send(new ListRolePoliciesCommand({ RoleName: role }));
      same(`${name}: policies`, PolicyNames, ["function"]);
      const { PolicyDocument = "" } = await this.#iam.send(
        new GetRolePolicyCommand({ RoleName: role, PolicyName: "function" }),
      );
      // moto hands out what CloudFormation gave it in Python's notation; none of our values has a quote in it.
      const policy = decodeURIComponent(PolicyDocument).replaceAll("'", '"').replaceAll("None", "null");
      const parameters = Object.entries(needs.variables).flatMap(
        ([variable, schema]) => parameterOf(variable, schema) ?? [],
      );
      const actions = [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        ...(parameters.length > 0 ? ["ssm:GetParameters"] : []),
        ...(parameters.some(({ isSecret }) => isSecret) ? ["kms:Decrypt"] : []),
        ...needs.awsActions,
      ];
      same(`${name}: actions`, actionsIn(policy), actions.sort());
      same(
        `${name}: parameters that it may read`,
        [
          ...new Set([...policy.matchAll(/:parameter\/nest\/\w+\/(\w+)/g)].map(([, found]) => found ?? "")),
        ].sort(),
        parameters.map((parameter) => parameter.name).sort(),
      );
    }
    same("a role for each function", roles.size, functions.length);
    return `${roles.size}: one each, their actions and parameters`;
  }

  async checkLogGroups(functions: readonly DeployedFunction[], days: number): Promise<string> {
    const { logGroups = [] } = await this.#logs.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/", limit: 50 }),
    );
    const wanted = [
      ...functions.map(({ name }) => `/aws/lambda/${this.#prefix}-${name}`),
      `/aws/http-api/${this.#prefix}`,
    ];
    same("log groups", logGroups.map(({ logGroupName }) => logGroupName).sort(), wanted.sort());
    for (const { logGroupName, retentionInDays } of logGroups)
      same(`${logGroupName}: days`, retentionInDays, days);
    return `${wanted.length}: kept for ${days} days`;
  }

  async checkParameters(names: Readonly<Record<string, "SecureString" | "String">>): Promise<string> {
    const { Parameters = [] } = await this.#ssm.send(new DescribeParametersCommand({ MaxResults: 50 }));
    const found = Object.fromEntries(
      Parameters.map(({ Name = "", Type }) => [Name.split("/").at(-1) ?? "", Type] as const).sort(),
    );
    same("parameters", found, Object.fromEntries(Object.entries(names).sort()));
    return `${Parameters.length}: each of its type`;
  }

  async #listFunctions(): Promise<Map<string, FunctionConfiguration>> {
    const found = new Map<string, FunctionConfiguration>();
    for await (const { Functions = [] } of paginateListFunctions({ client: this.#lambda }, {}))
      for (const one of Functions) found.set(one.FunctionName?.slice(this.#prefix.length + 1) ?? "", one);
    return found;
  }
}

function actionsIn(policy: string): string[] {
  const { Statement } = JSON.parse(policy) as { Statement: ({ Action: string | string[] } | null)[] };
  return Statement.flatMap((statement) => statement?.Action ?? []).sort();
}
