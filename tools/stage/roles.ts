import type { DeployedFunction } from "#tools/stage/functions.ts";
import { parameterOf } from "#tools/stage/serverless_functions.ts";

type Statement = Record<string, unknown>;

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
 * The role of a function: it writes its own log, reads its own parameters, and does what its parts name. Parameters are
 * decrypted through SSM only, and each only as itself.
 */
export function roleOf(deployed: DeployedFunction): Record<string, unknown> {
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      Description: sub(`\${AWS::StackName}: ${deployed.name}`),
      AssumeRolePolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" },
        ],
      },
      Policies: [
        {
          PolicyName: "function",
          PolicyDocument: { Version: "2012-10-17", Statement: statementsOf(deployed) },
        },
      ],
    },
  };
}

function statementsOf({ name, needs }: DeployedFunction): unknown[] {
  const parameters = Object.entries(needs.variables).flatMap(([variable, schema]) => {
    const parameter = parameterOf(variable, schema);
    return parameter ? [parameter] : [];
  });
  const parameterArn = (parameter: { name: string }) =>
    arn("ssm", `parameter\${self:custom.parameters}/${parameter.name}`);
  const secrets = parameters.filter(({ isSecret }) => isSecret).map(parameterArn);
  return [
    allow(
      ["logs:CreateLogStream", "logs:PutLogEvents"],
      arn("logs", `log-group:/aws/lambda/\${self:custom.prefix}-${name}:*`),
    ),
    ...(parameters.length > 0 ? [allow("ssm:GetParameters", parameters.map(parameterArn))] : []),
    ...(secrets.length > 0
      ? [
          allow("kms:Decrypt", arn("kms", "key/*"), {
            Condition: {
              StringEquals: {
                "kms:ViaService": sub("ssm.${AWS::Region}.amazonaws.com"),
                "kms:EncryptionContext:PARAMETER_ARN": secrets,
              },
            },
          }),
        ]
      : []),
    ...needs.awsActions.map((action) => PERMISSIONS[action]),
    { "Fn::If": ["IsTraced", TRACE, { Ref: "AWS::NoValue" }] },
  ];
}

const TRACE = allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*");

/** What each action may be done to. */
const PERMISSIONS: Readonly<Record<DeployedFunction["needs"]["awsActions"][number], Statement>> = {
  "ses:SendEmail": allow(
    "ses:SendEmail",
    [arn("ses", "identity/${MailIdentity}"), arn("ses", "configuration-set/${MailConfigurationSet}")],
    { Condition: { StringEquals: { "ses:FromAddress": { Ref: "MailFromAddress" } } } },
  ),
};
