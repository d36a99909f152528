import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Template } from "#tools/deploy/serverless.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";

/** The stack of a stage as AWS has it. */
export class LiveStack {
  readonly #name: string;
  readonly #cloudFormation: CloudFormationClient;
  readonly #s3: S3Client;

  constructor(stage: StageName, { region }: Pick<StageSettings, "region">) {
    this.#name = `nest-${stage}`;
    this.#cloudFormation = new CloudFormationClient({ region });
    this.#s3 = new S3Client({ region });
  }

  /** Its outputs by name; null if there is no such stack. */
  async outputs(): Promise<ReadonlyMap<string, string> | null> {
    try {
      const { Stacks = [] } = await this.#cloudFormation.send(
        new DescribeStacksCommand({ StackName: this.#name }),
      );
      const outputs = Stacks[0]?.Outputs ?? [];
      return new Map(outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]));
    } catch (error) {
      if (error instanceof Error && /does not exist/.test(error.message)) return null;
      throw error;
    }
  }

  /** The template that is deployed. */
  async template(): Promise<Template> {
    const { TemplateBody = "{}" } = await this.#cloudFormation.send(
      new GetTemplateCommand({ StackName: this.#name, TemplateStage: "Original" }),
    );
    return JSON.parse(TemplateBody) as Template;
  }

  /** A file of the deployment bucket, such as a zip. */
  async artifact(key: string): Promise<Uint8Array> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: await this.#bucket(), Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  /** Puts a file into the deployment bucket. */
  async keepArtifact(key: string, content: string): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: await this.#bucket(), Key: key, Body: content }));
  }

  async #bucket(): Promise<string | undefined> {
    const { StackResourceDetail } = await this.#cloudFormation.send(
      new DescribeStackResourceCommand({
        StackName: this.#name,
        LogicalResourceId: "ServerlessDeploymentBucket",
      }),
    );
    return StackResourceDetail?.PhysicalResourceId;
  }
}

/**
 * When the deployment was made whose zips a template names, in epoch ms; null if it names none. The framework keeps them in
 * `.../<epoch ms>-<time>`.
 */
export function deploymentOf(template: Template): number | null {
  const functions = Object.values(template.Resources).filter(({ Type }) => Type === "AWS::Lambda::Function");
  const stamp = /\/(\d{13})-[^/]+\/[^/]+$/.exec(String(functions[0]?.Properties.Code.S3Key))?.[1];
  return stamp === undefined ? null : Number(stamp);
}

/** The version of each parameter that a template's functions read, by the parameter's name. */
export function versionsIn(template: Template): ReadonlyMap<string, string> {
  const values = Object.values(template.Resources).flatMap(({ Type, Properties }) =>
    Type === "AWS::Lambda::Function" ? Object.values<string>(Properties.Environment?.Variables ?? {}) : [],
  );
  return new Map(
    values.flatMap((value) => {
      const [, name, version] = /^\/nest\/\w+\/(\w+):(\d+)$/.exec(value) ?? [];
      return name && version ? [[name, version] as const] : [];
    }),
  );
}
