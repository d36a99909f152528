import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { appFolder } from "#app/load_app.ts";
import { LEASE_SECONDS } from "#core/billing/events/stripe_events.ts";
import { REMOVAL_LEASE_SECONDS } from "#core/billing/trials/remove_unredeemed.ts";
import { CALL_LIMIT_MS, REDIRECT_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { VERSIONS } from "#core/versions.ts";
import { writeSettings } from "#tests/support/stage.ts";
import { pinVersions, versionsIn } from "#tools/deploy/parameter_versions.ts";
import { serverless } from "#tools/deploy/serverless.ts";
import { measureStack, sizeProblems } from "#tools/deploy/stack_size.ts";
import type { Template, TemplateResource } from "#tools/deploy/template.ts";
import { deployedEnvironment } from "#tools/stage/environment_size.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";
import { functionsOn } from "#tools/stage/listed_adapters.ts";
import { readSettings } from "#tools/stage/settings.ts";
import { parametersOf } from "#tools/stage/variables.ts";

let folder: string;
let template: Template;
let functions: DeployedFunction[];
/** The files of the package other than the template. */
let zips: string[];
const VERSIONS_IN_SSM = new Map([
  ["MONGODB_URI", 3],
  ["SIGNING_KEYS", 2],
  ["SIGNING_KEYS_PUBLIC", 7],
]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-template-"));
  functions = functionsOn(await listFunctions(), {});
  const settings = await writeSettings(folder, {
    reservedConcurrency: { stripe_webhook: 20 },
  });
  const stack = join(folder, "stack");
  await serverless(["package", `--package=${stack}`], { stage: "nonprod", settings });
  const file = join(stack, "cloudformation-template-update-stack.json");
  template = JSON.parse(await readFile(file, "utf8")) as Template;
  zips = (await readdir(stack)).filter((name) => name.endsWith(".zip"));
  pinVersions(template, VERSIONS_IN_SSM);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const resources = (type: string): [string, TemplateResource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);
const lambdas = () => resources("AWS::Lambda::Function").map(([, { Properties }]) => Properties);
const lambda = (name: string) => {
  const found = lambdas().find(({ FunctionName }) => FunctionName === `nest-nonprod-${name}`);
  if (!found) throw new Error(`no function ${name}`);
  return found;
};
const json = (value: unknown) => JSON.stringify(value);

test("the stack names the app that it deploys", () => {
  expect(template.Outputs).toMatchObject({ App: { Value: basename(appFolder) } });
});

test("the generated files in deploy agree with the code", async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [
    "tools/deploy/write_functions.ts",
    "--check",
  ]);
  expect(stderr).toBe("");
});

describe("functions of the template", () => {
  test("are the declared functions, without adapters that the stage file does not list", () => {
    expect(
      lambdas()
        .map(({ FunctionName }) => FunctionName)
        .sort(),
    ).toEqual(functions.map(({ name }) => `nest-nonprod-${name}`).sort());
  });

  test("run on Node 24 on arm64, each from its own zip", () => {
    for (const { FunctionName, Runtime, Architectures, Handler, Code, Layers, VpcConfig } of lambdas()) {
      const name = FunctionName.replace("nest-nonprod-", "");
      expect({ Runtime, Architectures, Handler, Layers, VpcConfig }, name).toEqual({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        Layers: undefined,
        VpcConfig: undefined,
      });
      expect(Code.S3Key).toMatch(new RegExp(`/${name}\\.zip$`));
    }
    expect(zips.sort()).toEqual(functions.map(({ name }) => `${name}.zip`).sort());
  });

  test("have a timeout above their own time limit and below API Gateway's and the event lease", () => {
    const GATEWAY_SECONDS = 30;
    const jobs = functions.flatMap(({ name, schedule }) => (schedule ? [`nest-nonprod-${name}`] : []));
    for (const { FunctionName, Timeout } of lambdas()) {
      if (jobs.includes(FunctionName)) continue;
      const limits = { stripe_webhook: WEBHOOK_LIMIT_MS, oauth_callback: REDIRECT_LIMIT_MS };
      const own = limits[FunctionName.replace("nest-nonprod-", "") as "oauth_callback"] ?? CALL_LIMIT_MS;
      expect(Timeout * 1000).toBeGreaterThan(own);
      expect(Timeout).toBeLessThan(GATEWAY_SECONDS);
      expect(Timeout).toBeLessThan(LEASE_SECONDS);
    }
  });

  test("have a timeout that Lambda allows and that ends before the lease of a removal, if they are jobs", () => {
    const LAMBDA_SECONDS = 900;
    const jobs = functions.filter(({ schedule }) => schedule !== null);
    for (const { name, timeoutSeconds } of jobs) {
      expect(lambda(name).Timeout).toBe(timeoutSeconds);
      expect(timeoutSeconds).toBeLessThanOrEqual(Math.min(LAMBDA_SECONDS, REMOVAL_LEASE_SECONDS));
    }
  });

  test("have 1024 MB of memory with a database and 256 MB without", () => {
    expect(lambda("get_user-2021-10-06").MemorySize).toBe(1024);
    expect([lambda("jwks").MemorySize, lambda("unmatched").MemorySize]).toEqual([256, 256]);
  });

  test("reserve concurrency if the stage file sets it", () => {
    expect(lambda("stripe_webhook").ReservedConcurrentExecutions).toBe(20);
    expect(lambda("get_user-2021-10-06")).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  test("have the variables that they read, parameters by name and version, and no secret", () => {
    for (const { name, needs } of functions) {
      const variables: Record<string, string> = lambda(name).Environment.Variables;
      for (const [variable, value] of Object.entries(variables)) {
        const read = variable.replace(/_PARAMETER$/, "");
        expect(Object.keys(needs.variables)).toContain(read);
        expect(value).not.toBe("");
      }
    }
    expect(lambda("get_user-2021-10-06").Environment.Variables).toEqual({
      STAGE: "nonprod",
      ISSUER: "https://nest.nonprod-getbeak.app",
      MONGODB_URI_PARAMETER: "/nest/nonprod/MONGODB_URI:3",
      SIGNING_KEYS_PARAMETER: "/nest/nonprod/SIGNING_KEYS_PUBLIC:7",
      INTERNAL_KEYS_PARAMETER: "/nest/nonprod/INTERNAL_KEYS",
    });
    expect(lambda("authenticate_user-2020-12-14").Environment.Variables.SIGNING_KEYS_PARAMETER).toBe(
      "/nest/nonprod/SIGNING_KEYS:2",
    );
    expect(lambda("unmatched").Environment.Variables).toEqual({
      STAGE: "nonprod",
    });
  });

  test("have the environment whose size is checked before a deployment", async () => {
    const settings = await readSettings(join(folder, "nonprod.yml"));
    const versionOf = (name: string) => VERSIONS_IN_SSM.get(name);
    for (const deployed of functions)
      expect(deployedEnvironment(deployed, { stage: "nonprod", settings, versionOf }), deployed.name).toEqual(
        lambda(deployed.name).Environment.Variables,
      );
  });

  test("write to one log group, which exists before them and keeps lines for the days of the stage file", () => {
    const groups = resources("AWS::Logs::LogGroup").map(([, { Properties }]) => Properties);
    expect(groups.map(({ LogGroupName, RetentionInDays }) => [LogGroupName, RetentionInDays]).sort()).toEqual(
      [
        ["/aws/http-api/nest-nonprod", 14],
        ["/aws/lambda/nest-nonprod", 14],
      ],
    );
    // CloudFormation creates a resource after the resources that it refers to.
    for (const { LoggingConfig, FunctionName } of lambdas())
      expect(LoggingConfig, FunctionName).toEqual({ LogGroup: { Ref: "FunctionLogs" } });
    expect(template.Resources.FunctionLogs?.Properties.LogGroupName).toBe("/aws/lambda/nest-nonprod");
  });

  test("pinning adds the version of each parameter that SSM has, and replaces an earlier version", () => {
    const pinned = structuredClone(template);
    pinVersions(pinned, new Map([["MONGODB_URI", 12]]));
    expect(Object.fromEntries(versionsIn(pinned))).toEqual({
      MONGODB_URI: "12",
      SIGNING_KEYS: "2",
      SIGNING_KEYS_PUBLIC: "7",
    });
  });
});

describe("the HTTP API", () => {
  const routes = () => resources("AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties);

  test("has each declared route at its function, and no other", () => {
    const wanted = functions.flatMap(({ name, routes }) =>
      routes.map((route) => [route === "*" ? "$default" : route, `nest-nonprod-${name}`]),
    );
    const made = routes().map(({ RouteKey, Target }) => {
      const [, integration] = Target["Fn::Join"][1];
      const { IntegrationUri, PayloadFormatVersion, IntegrationType } =
        template.Resources[integration.Ref]?.Properties ?? {};
      expect({ PayloadFormatVersion, IntegrationType }).toEqual({
        PayloadFormatVersion: "2.0",
        IntegrationType: "AWS_PROXY",
      });
      return [RouteKey, template.Resources[IntegrationUri["Fn::GetAtt"][0]]?.Properties.FunctionName];
    });
    expect(made.sort()).toEqual(wanted.sort());
  });

  test("serves every method of a date at each later date", () => {
    for (const [index, date] of VERSIONS.entries()) {
      const named = routes().flatMap(
        ({ RouteKey }) => RouteKey.match(new RegExp(`^POST /1/${date}/(.+)$`))?.[1] ?? [],
      );
      for (const later of VERSIONS.slice(index)) {
        for (const name of named)
          expect(routes()).toContainEqual(expect.objectContaining({ RouteKey: `POST /1/${later}/${name}` }));
      }
    }
  });

  test("calls each function that has a route with one role, which may do nothing else", () => {
    const integrations = resources("AWS::ApiGatewayV2::Integration").map(([, { Properties }]) => Properties);
    expect(integrations).toHaveLength(functions.filter(({ routes }) => routes.length > 0).length);
    for (const { CredentialsArn } of integrations)
      expect(CredentialsArn).toEqual({ "Fn::GetAtt": ["GatewayRole", "Arn"] });
    const [, role] = resources("AWS::IAM::Role").find(([id]) => id === "GatewayRole") ?? [];
    const { AssumeRolePolicyDocument, Policies } = role?.Properties ?? {};
    expect(AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: "apigateway.amazonaws.com" },
        Action: "sts:AssumeRole",
      },
    ]);
    const every = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:nest-nonprod-*";
    expect(
      Policies.map(({ PolicyDocument }: TemplateResource["Properties"]) => PolicyDocument.Statement),
    ).toEqual([[{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: { "Fn::Sub": every } }]]);
  });

  test("lets a schedule and a log line start functions, and no other service", () => {
    const permissions = resources("AWS::Lambda::Permission").map(([, { Properties }]) => Properties);
    const principals = permissions.map(({ Principal }) => Principal);
    expect([...new Set(principals)].sort()).toEqual(["events.amazonaws.com", "logs.amazonaws.com"]);
    // A log line and a schedule start deliver_webhooks.
    expect(permissions).toHaveLength(functions.filter(({ routes }) => routes.length === 0).length + 1);
    for (const { SourceArn } of permissions) expect(SourceArn).toBeDefined();
  });

  test("has the stage's throttle, an access log without paths, queries and networks, and no CORS of its own", () => {
    const [[, stage]] = resources("AWS::ApiGatewayV2::Stage") as [[string, TemplateResource]];
    expect(stage.Properties).toMatchObject({
      StageName: "$default",
      DefaultRouteSettings: { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 200 },
    });
    const { Format } = stage.Properties.AccessLogSettings;
    const used = [...Format.matchAll(/\$context\.([\w.]+)/g)].map(([, name]) => name);
    for (const name of ["path", "identity.sourceIp", "requestOverride", "authorizer", "identity.userAgent"])
      expect(used).not.toContain(name);
    expect(used).toEqual(expect.arrayContaining(["routeKey", "status", "requestId"]));
    // API Gateway writes the status as a number.
    expect(JSON.parse(Format.replaceAll("$context.status", "200"))).toHaveProperty("route");
    const [[, api]] = resources("AWS::ApiGatewayV2::Api") as [[string, TemplateResource]];
    expect(api.Properties.CorsConfiguration).toBeUndefined();
  });

  test("maps its domain without a key, and disables the default endpoint if it has a domain", () => {
    const [[, mapping]] = resources("AWS::ApiGatewayV2::ApiMapping") as [[string, TemplateResource]];
    expect(mapping.Properties).not.toHaveProperty("ApiMappingKey");
    expect(mapping.Condition).toBe("HasDomain");
    const [[, api]] = resources("AWS::ApiGatewayV2::Api") as [[string, TemplateResource]];
    expect(api.Properties.DisableExecuteApiEndpoint).toEqual({ "Fn::If": ["HasDomain", true, false] });
    expect(template.Parameters?.DomainName?.Default).toBe("nest.nonprod-getbeak.app");
    expect(template.Parameters?.HostedZoneId?.Default).toBe("");
  });
});

describe("least privilege", () => {
  const roleOf = (name: string): string => lambda(name).Role["Fn::Sub"].replace(/^\$\{|\.Arn\}$/g, "");
  const statements = (name: string) => {
    const id = roleOf(name);
    const [policy, ...others] = template.Resources[id]?.Properties.Policies ?? [];
    expect(others).toEqual([]);
    // biome-ignore lint/suspicious/noExplicitAny: statements differ in shape
    return policy.PolicyDocument.Statement as any[];
  };

  test("functions share a role only if they need the same, and every role is used", () => {
    const ids = functions.map(({ name }) => roleOf(name));
    const roles = resources("AWS::IAM::Role");
    expect(roles.map(([id]) => id).sort()).toEqual([...new Set(ids), "GatewayRole"].sort());
    const policies = roles.map(([, { Properties }]) => json(Properties.Policies));
    expect(new Set(policies).size, "roles with identical statements").toBe(policies.length);
  });

  test("each secret can be read by the functions that declare it, through their roles, and by no others", () => {
    const readers: Record<string, string[]> = {};
    for (const { name } of functions) {
      const read = statements(name).find(({ Action }) => Action === "ssm:GetParameters");
      for (const [, parameter = ""] of json(read ?? {}).matchAll(/:parameter\/nest\/nonprod\/(\w+)/g))
        readers[parameter] = [...(readers[parameter] ?? []), name.replace(/-\d{4}-.*/, "")];
    }
    const { SIGNING_KEYS_PUBLIC, INTERNAL_KEYS, MONGODB_URI, ...others } = readers;
    expect(others).toEqual({
      SIGNING_KEYS: [
        "authenticate_user",
        "get_subscription_status",
        "authenticate_user",
        "issue_token",
        "register_user",
        "get_subscription_status",
      ],
      REFRESH_KEYS: ["authenticate_user", "authenticate_user"],
      PASSWORD_PEPPERS: [
        "add_account_user",
        "reset_password",
        "set_password",
        "authenticate_user",
        "register_user",
      ],
      RATE_LIMIT_KEY: [
        "authenticate_user",
        "send_magic_link",
        "create_trial_and_magic_link",
        "accept_account_invite",
        "add_account_user",
        "check_verification",
        "send_verification",
        "verify_identifier",
        "create_mfa_factor",
        "send_mfa_code",
        "verify_mfa_factor",
        "link_oauth",
        "start_oauth",
        "create_password_reset",
        "reset_password",
        "send_password_reset",
        "set_password",
        "authenticate_user",
        "create_passkey_challenge",
        "register_user",
        "send_magic_link",
        "send_otp",
        "create_user",
        "get_sign_in_history",
        "oauth_callback",
      ],
      CAPTCHA_SECRETS: [
        "send_password_reset",
        "authenticate_user",
        "register_user",
        "send_magic_link",
        "send_otp",
      ],
      OAUTH_CREDENTIALS: ["list_oauth_providers", "start_oauth", "oauth_callback"],
      STRIPE_SECRET_KEY: [
        "create_trial_and_magic_link",
        "get_subscription_status",
        "remove_account_user",
        "change_plan",
        "create_checkout_session",
        "get_subscription_status",
        "delete_user",
        "get_billing_history",
        "stripe_webhook",
        "erase_deleted_users",
        "remove_unredeemed_trials",
      ],
      STRIPE_WEBHOOK_SECRETS: ["stripe_webhook"],
      FACTOR_KEYS: ["create_mfa_factor", "verify_mfa_factor", "authenticate_user"],
      WEBHOOK_KEYS: ["create_webhook", "rotate_webhook_secret", "deliver_webhooks"],
    });
    const methods = functions.filter(({ name }) => /-\d{4}-/.test(name)).length;
    expect(INTERNAL_KEYS).toHaveLength(methods);
    expect(MONGODB_URI).toHaveLength(functions.length - 2);
    expect(SIGNING_KEYS_PUBLIC).toHaveLength(methods - 6 + 2);
  });

  test("a role has no wildcard but for traces, log streams, SMS, and keys with a condition", () => {
    for (const { name } of functions) {
      for (const statement of statements(name)) {
        const own = statement["Fn::If"] ? statement["Fn::If"][1] : statement;
        expect(json(own.Action)).not.toContain("*");
        if (json(own.Action).includes("xray:")) continue;
        if (own.Action === "kms:Decrypt") {
          expect(Object.keys(own.Condition.StringEquals)).toEqual([
            "kms:ViaService",
            "kms:EncryptionContext:PARAMETER_ARN",
          ]);
          continue;
        }
        if (own.Action === "sns:Publish") {
          // A phone number has no ARN: everything but topics is allowed.
          expect(json(own.NotResource)).toBe(json({ "Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*" }));
          expect(own).not.toHaveProperty("Resource");
          continue;
        }
        // Lambda chooses the names of log streams.
        expect(json(own.Resource).replaceAll("log-group:/aws/lambda/nest-nonprod:*", "")).not.toContain("*");
      }
    }
  });

  test("a role reads and decrypts the parameters in its functions' environments, and no others", () => {
    for (const { name } of functions) {
      const named = Object.values<string>(lambda(name).Environment.Variables)
        .filter((value) => value.startsWith("/nest/"))
        .map((value) => value.replace(/:\d+$/, ""));
      const parametersIn = (value: unknown) =>
        [...json(value ?? "").matchAll(/:parameter(\/[\w/]+)/g)].map(([, parameter]) => parameter).sort();
      const of = (action: string) => statements(name).find(({ Action }) => Action === action);
      expect(parametersIn(of("ssm:GetParameters")?.Resource)).toEqual(named.sort());
      expect(parametersIn(of("kms:Decrypt")?.Condition)).toEqual(
        named.filter((parameter) => !parameter.endsWith("_PUBLIC")).sort(),
      );
    }
  });

  test("only functions that mail may send, from the stage's sender and configuration set", () => {
    const mailing = functions.filter(({ name }) => json(statements(name)).includes("ses:"));
    expect(mailing.map(({ name }) => name)).toEqual(
      functions.filter(({ needs }) => "MAIL_FROM" in needs.variables).map(({ name }) => name),
    );
    const send = statements("send_magic_link-2020-12-14").find(({ Action }) => Action === "ses:SendEmail");
    expect(json(send.Resource)).toContain("identity/${MailIdentity}");
    expect(send.Condition).toEqual({ StringEquals: { "ses:FromAddress": { Ref: "MailFromAddress" } } });
  });
});

describe("scheduled jobs", () => {
  const idOf = (name: string) =>
    resources("AWS::Lambda::Function").find(
      ([, { Properties }]) => Properties.FunctionName === `nest-nonprod-${name}`,
    )?.[0];

  test("one rule for each job sends its event to its function alone, and only this rule may invoke the function", () => {
    const jobs = functions.filter(({ schedule }) => schedule !== null);
    expect(jobs.map(({ name }) => name)).toEqual([
      "deliver_webhooks",
      "erase_deleted_users",
      "move_events",
      "remove_unredeemed_trials",
    ]);
    const rules = resources("AWS::Events::Rule").filter(
      ([, { Properties }]) => Properties.ScheduleExpression,
    );
    expect(rules).toHaveLength(jobs.length);
    for (const { name, schedule } of jobs) {
      const id = idOf(name);
      const arn = { "Fn::GetAtt": [id, "Arn"] };
      const [ruleId, rule] = rules.find(([, { Properties }]) => json(Properties).includes(`"${id}"`)) ?? [];
      expect(rule?.Properties).toMatchObject({
        ...{ State: "ENABLED", ScheduleExpression: schedule?.expression },
        Targets: [{ Arn: arn, Input: json(schedule?.event) }],
      });
      expect(rule?.Properties.Targets).toHaveLength(1);
      const permissions = resources("AWS::Lambda::Permission").filter(
        ([, { Properties }]) =>
          json(Properties.FunctionName).includes(`"${id}"`) && Properties.Principal !== "logs.amazonaws.com",
      );
      expect(permissions.map(([, { Properties }]) => Properties)).toEqual([
        {
          ...{ FunctionName: arn, Action: "lambda:InvokeFunction", Principal: "events.amazonaws.com" },
          SourceArn: { "Fn::GetAtt": [ruleId, "Arn"] },
        },
      ]);
    }
  });

  test("a log line of a call that recorded an event starts deliver_webhooks, and no other function", () => {
    const arn = { "Fn::GetAtt": [idOf("deliver_webhooks"), "Arn"] };
    const [[, filter], ...others] = resources("AWS::Logs::SubscriptionFilter") as [
      [string, TemplateResource],
    ];
    expect(others).toEqual([]);
    expect(filter.Properties).toMatchObject({
      FilterPattern: "{ $.events_recorded > 0 }",
      DestinationArn: arn,
    });
    const permissions = resources("AWS::Lambda::Permission").filter(
      ([, { Properties }]) => Properties.Principal === "logs.amazonaws.com",
    );
    expect(permissions.map(([, { Properties }]) => Properties)).toEqual([
      {
        ...{ FunctionName: arn, Action: "lambda:InvokeFunction", Principal: "logs.amazonaws.com" },
        SourceAccount: { Ref: "AWS::AccountId" },
        SourceArn: { "Fn::GetAtt": ["FunctionLogs", "Arn"] },
      },
    ]);
  });

  test("a job that calls Stripe has the time that it declares and a role of such jobs alone, with the two secrets that they need", () => {
    const { Timeout, Role } = lambda("remove_unredeemed_trials");
    expect(Timeout).toBe(300);
    expect(lambda("erase_deleted_users").Role).toEqual(Role);
    expect(lambdas().filter((one) => json(one.Role) === json(Role))).toHaveLength(2);
    const secrets = functions.find(({ name }) => name === "remove_unredeemed_trials")?.needs.variables ?? {};
    expect(parametersOf(secrets).map(({ name }) => name)).toEqual(["MONGODB_URI", "STRIPE_SECRET_KEY"]);
    expect(lambda("move_events").Timeout).toBe(60);
    expect(lambda("move_events").Role).toEqual(lambda("ses_events").Role);
  });
});

describe("mail events and alarms", () => {
  test("only bounces and complaints of the stage's mails reach ses_events", () => {
    const rules = resources("AWS::Events::Rule").map(([, found]) => found);
    const [rule, ...others] = rules.filter(({ Properties }) => Properties.EventPattern) as [TemplateResource];
    expect(others).toEqual([]);
    expect(rule.Properties.EventPattern).toEqual({
      source: ["aws.ses"],
      "detail-type": ["Email Bounced", "Email Complaint Received"],
      detail: { mail: { tags: { "ses:configuration-set": ["nest-nonprod"] } } },
    });
    const [[, set]] = resources("AWS::SES::ConfigurationSet") as [[string, TemplateResource]];
    expect(set.Properties.Name).toBe(
      lambda("send_magic_link-2020-12-14").Environment.Variables.MAIL_CONFIGURATION_SET,
    );
  });

  test("every metric is counted from an existing log group, and an alarm or the dashboard uses it", () => {
    const counted = resources("AWS::Logs::MetricFilter").map(([, { Properties }]) => {
      expect(template.Resources[Properties.LogGroupName.Ref]?.Type).toBe("AWS::Logs::LogGroup");
      return Properties.MetricTransformations[0].MetricName;
    });
    const watched = resources("AWS::CloudWatch::Alarm")
      .filter(([, { Properties }]) => Properties.Namespace === "nest-nonprod")
      .map(([, { Properties }]) => Properties.MetricName);
    const [[, dashboard]] = resources("AWS::CloudWatch::Dashboard") as [[string, TemplateResource]];
    const shown = counted.filter((name) =>
      dashboard.Properties.DashboardBody["Fn::Sub"].includes(`"${name}"`),
    );
    expect([...new Set([...watched, ...shown])].sort()).toEqual([...new Set(counted)].sort());
  });

  test("every alarm has a description and notifies the stage's topic", () => {
    for (const [, { Properties }] of resources("AWS::CloudWatch::Alarm")) {
      expect(Properties.AlarmDescription.length).toBeGreaterThan(10);
      expect(json(Properties.AlarmActions)).toContain("AlarmTopicArn");
    }
  });

  test("every function that no HTTP call reaches has an alarm for its errors", () => {
    const watched = resources("AWS::CloudWatch::Alarm")
      .filter(([, { Properties }]) => Properties.MetricName === "Errors" && Properties.Threshold === 1)
      .flatMap(([, { Properties }]) => Properties.Dimensions.map(({ Value }: { Value: string }) => Value));
    const silent = functions.filter(({ routes }) => routes.length === 0);
    expect(silent.length).toBeGreaterThan(0);
    expect(watched.sort()).toEqual(silent.map(({ name }) => `nest-nonprod-${name}`).sort());
  });

  test("the dashboard is valid JSON", () => {
    const [[, dashboard]] = resources("AWS::CloudWatch::Dashboard") as [[string, TemplateResource]];
    const body = dashboard.Properties.DashboardBody["Fn::Sub"].replace(/\$\{[\w:.]+\}/g, "x");
    expect(JSON.parse(body).widgets.length).toBeGreaterThan(5);
  });
});

test("the stack has room below the quotas of CloudFormation and API Gateway", () => {
  expect(sizeProblems(measureStack(template))).toEqual([]);
});
