import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
} from "@aws-sdk/client-cloudformation";
import { GetObjectCommand, PutObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { deploymentOf, type Template } from "#tools/deploy/template.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";

/** The deployed stack of a stage, and its deployment bucket. */
export class LiveStack {
  readonly #name: string;
  readonly #folder: string;
  readonly #cloudFormation: CloudFormationClient;
  readonly #s3: S3Client;

  constructor(stage: StageName, { region }: Pick<StageSettings, "region">) {
    this.#name = `nest-${stage}`;
    this.#folder = `serverless/nest/${stage}/`;
    this.#cloudFormation = new CloudFormationClient({ region });
    this.#s3 = new S3Client({ region });
  }

  /** Returns the stack's outputs by name; null if the stack does not exist. */
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

  /** Returns the template that is deployed. */
  async template(): Promise<Template> {
    const { TemplateBody = "{}" } = await this.#cloudFormation.send(
      new GetTemplateCommand({ StackName: this.#name, TemplateStage: "Original" }),
    );
    return JSON.parse(TemplateBody) as Template;
  }

  /**
   * Returns the template of a deployment whose files the bucket keeps.
   * @param deployment its time (epoch ms)
   */
  async templateOf(deployment: number): Promise<Template> {
    // The framework names the folder with the same time twice, the second time as ISO 8601.
    const folder = `${this.#folder}${deployment}-${new Date(deployment).toISOString()}`;
    const body = await this.artifact(`${folder}/compiled-cloudformation-template.json`);
    return JSON.parse(Buffer.from(body).toString("utf8")) as Template;
  }

  /** Returns the times (epoch ms) of the deployments whose files the bucket keeps, oldest first. */
  async deployments(): Promise<number[]> {
    const request = { Bucket: await this.#bucket(), Prefix: this.#folder, Delimiter: "/" };
    const found: number[] = [];
    for await (const { CommonPrefixes = [] } of paginateListObjectsV2({ client: this.#s3 }, request)) {
      for (const { Prefix = "" } of CommonPrefixes) {
        const stamp = /^(\d{13})-/.exec(Prefix.slice(this.#folder.length))?.[1];
        if (stamp) found.push(Number(stamp));
      }
    }
    return found.sort((one, other) => one - other);
  }

  /**
   * Whether the last uploaded deployment is not the live one, because it failed or was rolled back. The framework
   * compares a package with the last uploaded deployment only, and would skip a deploy that is needed.
   */
  async isBehindUploads(): Promise<boolean> {
    if ((await this.outputs()) === null) return false;
    const [template, kept] = await Promise.all([this.template(), this.deployments()]);
    return deploymentOf(template) !== (kept.at(-1) ?? null);
  }

  /** Returns a file of the deployment bucket, such as a zip. */
  async artifact(key: string): Promise<Uint8Array> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: await this.#bucket(), Key: key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  }

  /** Writes a file into the deployment bucket. */
  async putArtifact(key: string, content: string): Promise<void> {
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
