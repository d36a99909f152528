import { object, safeParse, type ZodMiniType } from "zod/mini";
import { originOf } from "#core/config.ts";
import { parameterVariable } from "#core/parameters.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";

/** Values that the stack itself has, in the framework's variables. */
export const FROM_STACK: Readonly<Record<string, string>> = {
  STAGE: "${sls:stage}",
  MAIL_FROM: "${self:custom.mailFrom}",
  MAIL_CONFIGURATION_SET: "${self:custom.prefix}",
};

/** Whether no function can do without a variable. */
export const isRequired = (schema: ZodMiniType) => !safeParse(object({ value: schema }), {}).success;

/** Which parameter of SSM a variable is read from; null if it is none. */
export function parameterOf(name: string, schema: ZodMiniType): { name: string; isSecret: boolean } | null {
  const origin = originOf(schema);
  return typeof origin === "string" ? null : { name: origin.parameter ?? name, isSecret: origin.isSecret };
}

/** The logical id of a function's role. */
export function roleId(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Role`;
}

/** The environment of a function as serverless.yml has it: what the function reads and nothing else. */
export function environmentOf({ needs }: DeployedFunction): Record<string, string> {
  const variables = Object.entries(needs.variables).flatMap(([name, schema]) => {
    const parameter = parameterOf(name, schema);
    if (parameter) {
      const version = `\${file(\${self:custom.versions}):${parameter.name}, ''}`;
      return [[parameterVariable(name), `\${self:custom.parameters}/${parameter.name}${version}`]];
    }
    if (originOf(schema) !== "setting") return [];
    const fallback = isRequired(schema) ? "" : ", null";
    return [[name, FROM_STACK[name] ?? `\${self:custom.stage.variables.${name}${fallback}}`]];
  });
  return Object.fromEntries(variables.sort(([one = ""], [other = ""]) => (one < other ? -1 : 1)));
}

function eventsOf({ routes, events }: DeployedFunction): unknown[] {
  const http = routes.map((route) => ({ httpApi: route }));
  if (!events) return http;
  const pattern = {
    source: [events.source],
    "detail-type": [...events.detailTypes],
    // Another stage in the same account has mails of its own.
    ...(events.source === "aws.ses"
      ? { detail: { mail: { tags: { "ses:configuration-set": ["${self:custom.prefix}"] } } } }
      : {}),
  };
  return [...http, { eventBridge: { pattern } }];
}

/** A function of serverless.yml. */
export function serverlessFunction(deployed: DeployedFunction): Record<string, unknown> {
  const { name, summary, memoryMb, timeoutSeconds } = deployed;
  return {
    description: summary,
    handler: "index.handler",
    package: { artifact: `\${self:custom.functions}/${name}.zip` },
    // In this form the framework adds no second dependency on the role.
    role: { "Fn::Sub": `\${${roleId(name)}.Arn}` },
    memorySize: memoryMb,
    timeout: timeoutSeconds,
    reservedConcurrency: `\${self:custom.stage.reservedConcurrency.${name}, null}`,
    environment: environmentOf(deployed),
    events: eventsOf(deployed),
  };
}
