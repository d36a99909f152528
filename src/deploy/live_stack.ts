import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Template } from "#deploy/serverless.ts";
import type { StageName, StageSettings } from "#deploy/settings.ts";

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

  /** When the live deployment was made, in epoch ms; null if a template is not one of the framework's. */
  async deployment(): Promise<number | null> {
    const folder = artifactFolder(await this.template());
    return folder === null ? null : timestampOf(folder);
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

/** The folder of the deployment bucket that a template takes its zips from: `.../<epoch ms>-<time>`. */
export function artifactFolder(template: Template): string | null {
  const keys = Object.values(template.Resources).flatMap(({ Type, Properties }) =>
    Type === "AWS::Lambda::Function" ? [String(Properties.Code.S3Key)] : [],
  );
  return keys[0]?.replace(/\/[^/]*$/, "") ?? null;
}

/** When a deployment was made, as the framework names it, in epoch ms; null if a folder is not one. */
export function timestampOf(folder: string): number | null {
  const stamp = /\/(\d{13})-[^/]+$/.exec(folder)?.[1];
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
