import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { GetRolePolicyCommand, IAMClient, ListRolePoliciesCommand } from "@aws-sdk/client-iam";
import { type FunctionConfiguration, LambdaClient, paginateListFunctions } from "@aws-sdk/client-lambda";
import { paginateDescribeParameters, SSMClient } from "@aws-sdk/client-ssm";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { listRoles } from "#tools/stage/roles.ts";
import { environmentOf } from "#tools/stage/serverless_functions.ts";
import { parametersOf } from "#tools/stage/variables.ts";

/** A deployed resource differs from the declarations. */
class Mismatch extends Error {}

function requireEqual(what: string, found: unknown, expected: unknown): void {
  const [foundJson, expectedJson] = [found, expected].map((value) => JSON.stringify(value));
  if (foundJson !== expectedJson) throw new Mismatch(`${what}: found ${foundJson}, expected ${expectedJson}`);
}

/** Reads the deployed resources through AWS's APIs, and compares it with the declarations. */
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

  /** Returns the environment variables of a function. */
  async environment(name: string): Promise<Record<string, string>> {
    return (await this.#listFunctions()).get(name)?.Environment?.Variables ?? {};
  }

  async checkFunctions(functions: readonly DeployedFunction[]): Promise<string> {
    const live = await this.#listFunctions();
    requireEqual("functions", [...live.keys()].sort(), functions.map(({ name }) => name).sort());
    for (const declared of functions) {
      const { Runtime, MemorySize, Timeout, Handler, Environment } = live.get(declared.name) ?? {};
      requireEqual(
        declared.name,
        [Runtime, MemorySize, Timeout, Handler],
        ["nodejs24.x", declared.memoryMb, declared.timeoutSeconds, "index.handler"],
      );
      const readable = Object.keys(environmentOf(declared));
      const present = Object.keys(Environment?.Variables ?? {});
      const unread = present.filter((name) => !readable.includes(name));
      requireEqual(`${declared.name}: variables that it does not read`, unread, []);
      const parameters = readable.filter((name) => name.endsWith("_PARAMETER"));
      const missing = parameters.filter((name) => !present.includes(name));
      requireEqual(`${declared.name}: missing parameters`, missing, []);
    }
    return `${live.size}: runtime, memory, timeout, variables`;
  }

  async checkRoles(functions: readonly DeployedFunction[]): Promise<string> {
    const live = await this.#listFunctions();
    const roles = new Set<string>();
    for (const { name, needs } of functions) {
      const role = live.get(name)?.Role?.split("/").at(-1) ?? "";
      roles.add(role);
      const policy = await this.#policyOf(name, role);
      const parameters = parametersOf(needs.variables);
      const actions = [
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        ...(parameters.length > 0 ? ["ssm:GetParameters"] : []),
        ...(parameters.some(({ isSecret }) => isSecret) ? ["kms:Decrypt"] : []),
        ...needs.awsActions,
      ];
      requireEqual(`${name}: actions`, actionsIn(policy), actions.sort());
      const readable = [...policy.matchAll(/:parameter\/nest\/\w+\/(\w+)/g)].map(([, found]) => found ?? "");
      requireEqual(
        `${name}: parameters that it may read`,
        [...new Set(readable)].sort(),
        parameters.map((parameter) => parameter.name),
      );
    }
    requireEqual("roles", roles.size, listRoles(functions).length);
    return `${roles.size} for ${functions.length} functions: actions and parameters of each`;
  }

  async #policyOf(name: string, role: string): Promise<string> {
    const { PolicyNames } = await this.#iam.send(new ListRolePoliciesCommand({ RoleName: role }));
    requireEqual(`${name}: policies`, PolicyNames, ["function"]);
    const { PolicyDocument = "" } = await this.#iam.send(
      new GetRolePolicyCommand({ RoleName: role, PolicyName: "function" }),
    );
    // moto returns the policy in Python's notation. No value of ours contains a quote.
    return decodeURIComponent(PolicyDocument).replaceAll("'", '"').replaceAll("None", "null");
  }

  /** @param days for which logs are kept */
  async checkLogGroups(days: number): Promise<string> {
    const { logGroups = [] } = await this.#logs.send(
      new DescribeLogGroupsCommand({ logGroupNamePrefix: "/aws/", limit: 50 }),
    );
    const expected = [`/aws/http-api/${this.#prefix}`, `/aws/lambda/${this.#prefix}`];
    requireEqual("log groups", logGroups.map(({ logGroupName }) => logGroupName).sort(), expected);
    for (const { logGroupName, retentionInDays } of logGroups)
      requireEqual(`${logGroupName}: days`, retentionInDays, days);
    return `${expected.length}: kept for ${days} days`;
  }

  async checkParameters(names: Readonly<Record<string, "SecureString" | "String">>): Promise<string> {
    const found: [string, string | undefined][] = [];
    for await (const { Parameters = [] } of paginateDescribeParameters({ client: this.#ssm }, {}))
      for (const { Name = "", Type } of Parameters) found.push([Name.split("/").at(-1) ?? "", Type]);
    requireEqual(
      "parameters",
      Object.fromEntries(found.sort()),
      Object.fromEntries(Object.entries(names).sort()),
    );
    return `${found.length}: type of each`;
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
