/** A CloudFormation template, as far as the deployment reads it. */
export interface Template {
  Parameters?: Record<string, { Default?: unknown }>;
  Conditions?: Record<string, unknown>;
  Resources: Record<string, TemplateResource>;
  Outputs?: Record<string, unknown>;
}

export interface TemplateResource {
  Type: string;
  Condition?: string;
  DependsOn?: string | string[];
  // biome-ignore lint/suspicious/noExplicitAny: each type of resource has its own properties
  Properties: Record<string, any>;
}

/** Returns the Lambda functions of a template. */
export const functionsIn = (template: Template): TemplateResource[] =>
  Object.values(template.Resources).filter(({ Type }) => Type === "AWS::Lambda::Function");

/**
 * Makes a template's functions refer to their log group, so that CloudFormation creates it before them; their roles may
 * not create it. The framework accepts only a name, from which CloudFormation derives no order.
 */
export function referToLogGroup(template: Template): void {
  for (const { Properties } of functionsIn(template))
    Properties.LoggingConfig = { ...Properties.LoggingConfig, LogGroup: { Ref: "FunctionLogs" } };
}

/** The role, in deploy/api.yml, with which the HTTP API calls functions. */
const GATEWAY_ROLE = "GatewayRole";

/**
 * Lets the HTTP API call its functions with one role, instead of the permission that the framework writes for each of them:
 * a stack has at most 500 resources (decision 2). Permissions of other services stay.
 */
export function callWithOneRole(template: Template): void {
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type === "AWS::Lambda::Permission" && Properties.Principal === "apigateway.amazonaws.com")
      delete template.Resources[id];
    if (Type === "AWS::ApiGatewayV2::Integration")
      Properties.CredentialsArn = { "Fn::GetAtt": [GATEWAY_ROLE, "Arn"] };
  }
}

/** The output of the stack that names the deployed app. */
export const APP_OUTPUT = "App";

/** Records in a template which app it deploys. */
export function recordApp(template: Template, app: string): void {
  template.Outputs = {
    ...template.Outputs,
    [APP_OUTPUT]: { Description: "The folder of the app", Value: app },
  };
}

/**
 * Returns the time (epoch ms) of the deployment whose zips a template names; null if it names none. The framework
 * keeps zips in `.../<epoch ms>-<time>/`.
 */
export function deploymentOf(template: Template): number | null {
  const [first] = functionsIn(template);
  const stamp = /\/(\d{13})-[^/]+\/[^/]+$/.exec(String(first?.Properties.Code.S3Key))?.[1];
  return stamp === undefined ? null : Number(stamp);
}
