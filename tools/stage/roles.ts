import type { DeployedFunction } from "#tools/stage/functions.ts";
import { type Parameter, parametersOf } from "#tools/stage/variables.ts";

type Statement = Record<string, unknown>;

/** What a role allows beyond writing the log. */
type Permissions = Pick<DeployedFunction, "needs">;

/** An IAM role and the functions that run with it. */
export interface Role {
  /** Its logical id in the template. */
  id: string;
  resource: Record<string, unknown>;
  /** Names of functions. */
  functions: string[];
}

const sub = (text: string) => ({ "Fn::Sub": text });
const arn = (service: string, rest: string) =>
  sub(`arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`);
const allow = (action: string | string[], resource: unknown, more: Statement = {}): Statement => ({
  Effect: "Allow",
  Action: action,
  Resource: resource,
  ...more,
});

/**
 * Returns the roles of a deployment, sorted by logical id. Functions share a role if they read the same parameters and
 * call the same AWS actions; a role allows nothing that one of its functions does not need.
 */
export function listRoles(functions: readonly DeployedFunction[]): Role[] {
  const roles = new Map<string, Role>();
  for (const deployed of functions) {
    const id = roleId(deployed);
    const role = roles.get(id) ?? { id, resource: roleResource(deployed), functions: [] };
    role.functions.push(deployed.name);
    roles.set(id, role);
  }
  return [...roles.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

/**
 * Returns the logical id of a function's role. It is composed of what the role allows, so that a new function does not
 * rename the roles of others: `InternalKeysMongodbUriRole`.
 */
export function roleId({ needs }: Permissions): string {
  const allowed = [...parametersOf(needs.variables).map(({ name }) => name), ...actionsOf({ needs })];
  if (allowed.length === 0) return "LogOnlyRole";
  return `${allowed.map(pascalCase).join("")}Role`;
}

/** `MONGODB_URI` to `MongodbUri`, `ses:SendEmail` to `SesSendEmail`. */
function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/);
  const lower = (word: string) => (word === word.toUpperCase() ? word.toLowerCase() : word);
  return words.map((word) => word.charAt(0).toUpperCase() + lower(word).slice(1)).join("");
}

const actionsOf = ({ needs }: Permissions) => [...needs.awsActions].sort();

/**
 * A role writes the stage's log, reads its own parameters, and calls the AWS actions that the functions' parts declare.
 * A secret is decrypted through SSM only, and only for the role's own parameters.
 */
function roleResource(permissions: Permissions): Record<string, unknown> {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
      },
      Policies: [
        {
          PolicyName: "function",
          PolicyDocument: { Version: "2012-10-17", Statement: statementsOf(permissions) },
        },
      ],
    },
  };
}

function statementsOf({ needs }: Permissions): unknown[] {
  const parameters = parametersOf(needs.variables);
  const parameterArn = ({ name }: Parameter) => arn("ssm", `parameter\${self:custom.parameters}/${name}`);
  const secrets = parameters.filter(({ isSecret }) => isSecret).map(parameterArn);
  return [
    allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn("logs", "log-group:${self:custom.logGroup}:*")),
    ...(parameters.length > 0 ? [allow("ssm:GetParameters", parameters.map(parameterArn))] : []),
    ...(secrets.length > 0 ? [allow("kms:Decrypt", arn("kms", "key/*"), decryptCondition(secrets))] : []),
    ...actionsOf({ needs }).map((action) => ACTIONS[action]),
    { "Fn::If": ["IsTraced", TRACE, { Ref: "AWS::NoValue" }] },
  ];
}

const decryptCondition = (secrets: readonly unknown[]): Statement => ({
  Condition: {
    StringEquals: {
      "kms:ViaService": sub("ssm.${AWS::Region}.amazonaws.com"),
      "kms:EncryptionContext:PARAMETER_ARN": secrets,
    },
  },
});

const TRACE = allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*");

/** The resources and conditions of each action that a part may declare. */
const ACTIONS: Readonly<Record<DeployedFunction["needs"]["awsActions"][number], Statement>> = {
  "ses:SendEmail": allow(
    "ses:SendEmail",
    [arn("ses", "identity/${MailIdentity}"), arn("ses", "configuration-set/${MailConfigurationSet}")],
    { Condition: { StringEquals: { "ses:FromAddress": { Ref: "MailFromAddress" } } } },
  ),
  // A phone number has no ARN, so SMS can only be allowed as everything that is no topic.
  "sns:Publish": {
    Effect: "Allow",
    Action: "sns:Publish",
    NotResource: sub("arn:${AWS::Partition}:sns:*:*:*"),
  },
};
