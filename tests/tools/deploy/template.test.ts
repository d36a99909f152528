import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LEASE_SECONDS } from "#core/billing/events/stripe_events.ts";
import { CALL_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import { VERSIONS } from "#core/versions.ts";
import { writeSettings } from "#tests/support/stage.ts";
import {
  packageStack,
  readTemplate,
  type Template,
  type TemplateResource,
} from "#tools/deploy/serverless.ts";
import { type DeployedFunction, listFunctions } from "#tools/stage/functions.ts";

let folder: string;
let template: Template;
let functions: DeployedFunction[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nest-template-"));
  functions = await listFunctions();
  // The template does not depend on what is in the zips.
  for (const { name } of functions) await writeFile(join(folder, `${name}.zip`), name);
  const versions = join(folder, "versions.json");
  await writeFile(
    versions,
    JSON.stringify({ MONGODB_URI: ":3", SIGNING_KEYS: ":2", SIGNING_KEYS_PUBLIC: ":7" }),
  );
  const settings = await writeSettings(folder, { reservedConcurrency: { stripe_webhook: 20 } });
  const stack = {
    stage: "nonprod",
    settings,
    versions,
    folder: join(folder, "stack"),
    functions: folder,
  } as const;
  await packageStack(stack);
  template = await readTemplate(stack);
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

test("what is made from the code agrees with the code", async () => {
  const { stderr } = await promisify(execFile)(process.execPath, [
    "tools/deploy/write_functions.ts",
    "--check",
  ]);
  expect(stderr).toBe("");
});

describe("functions, held against the declarations", () => {
  test("each has one, and there is no other", () => {
    expect(
      lambdas()
        .map(({ FunctionName }) => FunctionName)
        .sort(),
    ).toEqual(functions.map(({ name }) => `nest-nonprod-${name}`).sort());
  });

  test("all run on Node 24 on arm64, each from its own zip", () => {
    for (const { FunctionName, Runtime, Architectures, Handler, Code, Layers, VpcConfig } of lambdas()) {
      const name = FunctionName.replace("nest-nonprod-", "");
      expect({ Runtime, Architectures, Handler, Layers, VpcConfig }).toEqual({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        Layers: undefined,
        VpcConfig: undefined,
      });
      expect(Code.S3Key).toMatch(new RegExp(`/${name}\\.zip$`));
    }
  });

  test("each has time to answer itself, and less than the gateway or a lease would wait", () => {
    const GATEWAY_SECONDS = 30;
    for (const { FunctionName, Timeout } of lambdas()) {
      const own = FunctionName.endsWith("stripe_webhook") ? WEBHOOK_LIMIT_MS : CALL_LIMIT_MS;
      expect(Timeout * 1000).toBeGreaterThan(own);
      expect(Timeout).toBeLessThan(GATEWAY_SECONDS);
      expect(Timeout).toBeLessThan(LEASE_SECONDS);
    }
  });

  test("only functions with a database get the memory for it", () => {
    expect(lambda("get_user-2021-10-06").MemorySize).toBe(1024);
    expect([lambda("jwks").MemorySize, lambda("unmatched").MemorySize]).toEqual([256, 256]);
  });

  test("concurrency is reserved where the stage says so", () => {
    expect(lambda("stripe_webhook").ReservedConcurrentExecutions).toBe(20);
    expect(lambda("get_user-2021-10-06")).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  test("an environment names what its function reads, parameters with their versions, and no secret", () => {
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
    expect(lambda("unmatched").Environment.Variables).toEqual({ STAGE: "nonprod" });
  });

  test("each has a log group that forgets, made before it", () => {
    for (const [, { Properties, DependsOn }] of resources("AWS::Lambda::Function")) {
      const [id, group] =
        resources("AWS::Logs::LogGroup").find(
          ([, { Properties: own }]) => own.LogGroupName === `/aws/lambda/${Properties.FunctionName}`,
        ) ?? [];
      expect(group?.Properties.RetentionInDays).toBe(14);
      expect(DependsOn).toContain(id);
    }
  });
});

describe("the HTTP API", () => {
  const routes = () => resources("AWS::ApiGatewayV2::Route").map(([, { Properties }]) => Properties);

  test("has each route of the declarations, at its function, and no other", () => {
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

  test("serves every method of a date at each later one", () => {
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

  test("may invoke each of its functions, and nobody else may", () => {
    const permissions = resources("AWS::Lambda::Permission").map(([, { Properties }]) => Properties);
    const principals = permissions.map(({ Principal }) => Principal);
    expect([...new Set(principals)].sort()).toEqual(["apigateway.amazonaws.com", "events.amazonaws.com"]);
    expect(permissions).toHaveLength(functions.length);
    for (const { SourceArn } of permissions) expect(SourceArn).toBeDefined();
  });

  test("has our throttle, a log without paths, queries or networks, and no CORS of its own", () => {
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
    // A status is a number where the gateway answers, so this is JSON.
    expect(JSON.parse(Format.replaceAll("$context.status", "200"))).toHaveProperty("route");
    const [[, api]] = resources("AWS::ApiGatewayV2::Api") as [[string, TemplateResource]];
    expect(api.Properties.CorsConfiguration).toBeUndefined();
  });

  test("has its domain without a mapping key, and then no other way in", () => {
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
  const statements = (name: string) => {
    const id = lambda(name).Role["Fn::Sub"].replace(/^\$\{|\.Arn\}$/g, "");
    const [policy, ...others] = template.Resources[id]?.Properties.Policies ?? [];
    expect(others).toEqual([]);
    // biome-ignore lint/suspicious/noExplicitAny: a statement of any shape
    return policy.PolicyDocument.Statement as any[];
  };

  test("each function has a role of its own, and there is no shared one", () => {
    const roles = lambdas().map(({ Role }) => Role["Fn::Sub"]);
    expect(new Set(roles).size).toBe(functions.length);
    expect(resources("AWS::IAM::Role")).toHaveLength(functions.length);
  });

  test("a role allows no action and no resource by a pattern, but for traces and keys behind a condition", () => {
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
        // A log group's streams are named by instances.
        expect(json(own.Resource).replaceAll(`-${name}:*`, "")).not.toContain("*");
      }
    }
  });

  test("a role reads the parameters that its function's environment names, decrypts secret ones, and no other", () => {
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

  test("only functions that mail may, from our sender and through our configuration set", () => {
    const mailing = functions.filter(({ name }) => json(statements(name)).includes("ses:"));
    expect(mailing.map(({ name }) => name)).toEqual(
      functions.filter(({ needs }) => "MAIL_FROM" in needs.variables).map(({ name }) => name),
    );
    const send = statements("send_magic_link-2020-12-14").find(({ Action }) => Action === "ses:SendEmail");
    expect(json(send.Resource)).toContain("identity/${MailIdentity}");
    expect(send.Condition).toEqual({ StringEquals: { "ses:FromAddress": { Ref: "MailFromAddress" } } });
  });
});

describe("mail events and alarms", () => {
  test("SES's bounces and complaints of this stage reach ses_events, and only those", () => {
    const [[, rule], ...others] = resources("AWS::Events::Rule") as [[string, TemplateResource]];
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

  test("every metric of ours is counted from a log group that exists, and watched by an alarm or shown", () => {
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

  test("every alarm says what it means and tells somebody", () => {
    for (const [, { Properties }] of resources("AWS::CloudWatch::Alarm")) {
      expect(Properties.AlarmDescription.length).toBeGreaterThan(10);
      expect(json(Properties.AlarmActions)).toContain("AlarmTopicArn");
    }
  });

  test("the dashboard is JSON", () => {
    const [[, dashboard]] = resources("AWS::CloudWatch::Dashboard") as [[string, TemplateResource]];
    const body = dashboard.Properties.DashboardBody["Fn::Sub"].replace(/\$\{[\w:.]+\}/g, "x");
    expect(JSON.parse(body).widgets.length).toBeGreaterThan(5);
  });
});
