import { originOf } from "#core/config.ts";
import { parameterVariable } from "#core/parameters.ts";
import type { DeployedFunction } from "#tools/stage/functions.ts";
import { roleId } from "#tools/stage/roles.ts";
import { FROM_STACK, parameterOf } from "#tools/stage/variables.ts";

/**
 * Returns the environment of a function for serverless.yml: the variables that the function reads. A parameter is named
 * without its version; a deploy adds the version (`pin_versions.ts`). A setting that the stage file leaves empty is
 * null, and the framework leaves it out.
 */
export function environmentOf({ needs }: DeployedFunction): Record<string, string> {
  const variables = Object.entries(needs.variables).flatMap(([name, schema]) => {
    const parameter = parameterOf(name, schema);
    if (parameter) return [[parameterVariable(name), `\${self:custom.parameters}/${parameter.name}`]];
    if (originOf(schema) !== "setting") return [];
    return [[name, FROM_STACK[name] ?? `\${self:custom.stage.variables.${name}, null}`]];
  });
  return Object.fromEntries(variables.sort(([one = ""], [other = ""]) => (one < other ? -1 : 1)));
}

function eventsOf({ routes, events, schedule }: DeployedFunction): unknown[] {
  const http = routes.map((route) => ({ httpApi: route }));
  if (schedule) return [...http, { schedule: { rate: [schedule.expression], input: schedule.event } }];
  if (!events) return http;
  const pattern = {
    source: [events.source],
    "detail-type": [...events.detailTypes],
    // Stages that share an account each have a configuration set; this rule matches only the events of this stage's
    // set.
    ...(events.source === "aws.ses"
      ? { detail: { mail: { tags: { "ses:configuration-set": ["${self:custom.prefix}"] } } } }
      : {}),
  };
  return [...http, { eventBridge: { pattern } }];
}

/** Returns the entry of a function in serverless.yml. */
export function serverlessFunction(deployed: DeployedFunction): Record<string, unknown> {
  const { name, summary, memoryMb, timeoutSeconds } = deployed;
  return {
    description: summary,
    handler: "index.handler",
    package: { artifact: `.serverless/${name}.zip` },
    // As Fn::Sub, since for Fn::GetAtt the framework also writes DependsOn.
    role: { "Fn::Sub": `\${${roleId(deployed)}.Arn}` },
    memorySize: memoryMb,
    timeout: timeoutSeconds,
    reservedConcurrency: `\${self:custom.stage.reservedConcurrency.${name}, null}`,
    // No log group of its own: all functions of a stage write to one (deploy/logs.yml).
    disableLogs: true,
    environment: environmentOf(deployed),
    events: eventsOf(deployed),
  };
}
