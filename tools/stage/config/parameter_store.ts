import { GetParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { isLoopback } from "#core/services/aws.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The most names in one `GetParameters` request. */
const NAMES_PER_CALL = 10;
/** The longest value of a standard parameter, in bytes. */
export const LONGEST_VALUE = 4096;

/** AWS refused a request or could not be reached. The message has only the error's name, since AWS may quote a value. */
export class StoreError extends CommandError {
  constructor(cause: unknown) {
    const name = cause instanceof Error ? cause.name : "unknown failure";
    const hint = /Credentials|Token/.test(name)
      ? " Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
      : "";
    super(`SSM: ${name}.${hint}`);
  }
}

const orStoreError = (cause: unknown): never => {
  throw new StoreError(cause);
};

/** A parameter in SSM. */
export interface StoredParameter {
  value: string;
  version: number;
  changedAt: Date | undefined;
}

/** Reads and writes the SSM parameters of a stage for commands, with the AWS credentials of the shell. */
export class ParameterStore {
  readonly #client: SSMClient;
  readonly #prefix: string;
  readonly #keyId: string;
  readonly stage: StageName;
  /** Whether SSM is a double on this machine. */
  readonly isRehearsal: boolean;

  constructor(stage: StageName, { region, secrets }: Pick<StageSettings, "region" | "secrets">) {
    this.#client = new SSMClient({ region });
    this.#prefix = `/nest/${stage}`;
    this.#keyId = secrets.kmsKeyId;
    this.stage = stage;
    const endpoint = process.env.AWS_ENDPOINT_URL_SSM || process.env.AWS_ENDPOINT_URL;
    this.isRehearsal = endpoint !== undefined && isLoopback(new URL(endpoint));
  }

  /**
   * Reads and decrypts parameters.
   * @returns the parameters that SSM has, by name
   * @throws StoreError
   */
  async read(names: readonly string[]): Promise<Map<string, StoredParameter>> {
    const found = new Map<string, StoredParameter>();
    for (let start = 0; start < names.length; start += NAMES_PER_CALL) {
      const asked = names.slice(start, start + NAMES_PER_CALL).map((name) => `${this.#prefix}/${name}`);
      const { Parameters = [] } = await this.#client
        .send(new GetParametersCommand({ Names: asked, WithDecryption: true }))
        .catch(orStoreError);
      for (const { Name = "", Value, Version, LastModifiedDate } of Parameters) {
        if (Value === undefined || Version === undefined) continue;
        const name = Name.slice(this.#prefix.length + 1);
        found.set(name, { value: Value, version: Version, changedAt: LastModifiedDate });
      }
    }
    return found;
  }

  /**
   * Writes a parameter; an existing one gets a new version.
   * @returns the version
   * @throws StoreError
   */
  async put(name: string, value: string, isSecret: boolean): Promise<number> {
    const { Version = 0 } = await this.#client
      .send(
        new PutParameterCommand({
          Name: `${this.#prefix}/${name}`,
          Value: value,
          Overwrite: true,
          ...(isSecret ? { Type: "SecureString", KeyId: this.#keyId } : { Type: "String" }),
        }),
      )
      .catch(orStoreError);
    return Version;
  }
}
