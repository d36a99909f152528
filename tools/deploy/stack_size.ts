import type { Template } from "#tools/deploy/template.ts";

/** How much of a stack's quotas a template uses. */
export interface StackSize {
  functions: number;
  roles: number;
  resources: number;
  routes: number;
}

/** Quotas of AWS: resources in a CloudFormation stack, routes of an HTTP API. */
const QUOTAS = { resources: 500, routes: 300 } as const;
/** A stack that is larger than this must be changed before it grows further. */
const CEILINGS = { resources: 450, routes: 270 } as const;

const NEXT_STEP = "Serve all dates of a method by one route `POST /1/{date}/<method>`.";

/** Counts what a packaged template has. */
export function measureStack({ Resources }: Pick<Template, "Resources">): StackSize {
  const types = Object.values(Resources).map(({ Type }) => Type);
  const count = (type: string) => types.filter((one) => one === type).length;
  return {
    functions: count("AWS::Lambda::Function"),
    roles: count("AWS::IAM::Role"),
    resources: types.length,
    routes: count("AWS::ApiGatewayV2::Route"),
  };
}

/** Describes a stack's size in one line, with the quotas. */
export function describeSize({ functions, roles, resources, routes }: StackSize): string {
  return [
    `${functions} functions`,
    `${roles} roles`,
    `${resources} of ${QUOTAS.resources} resources`,
    `${routes} of ${QUOTAS.routes} routes`,
  ].join(", ");
}

/** Returns a sentence for each ceiling that a stack exceeds, with what to do about it; empty if it exceeds none. */
export function sizeProblems(size: StackSize): string[] {
  return (["resources", "routes"] as const).flatMap((kind) =>
    size[kind] > CEILINGS[kind]
      ? [
          `The stack has ${size[kind]} ${kind}; at most ${CEILINGS[kind]} leave room below AWS's quota of ${QUOTAS[kind]}. ` +
            `${NEXT_STEP} See docs/decisions/0002_one_lambda_per_method.md.`,
        ]
      : [],
  );
}
