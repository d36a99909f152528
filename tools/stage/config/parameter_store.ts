import { GetParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { isLoopback } from "#core/services/aws.ts";
import type { StageName, StageSettings } from "#tools/stage/settings.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** `GetParameters` takes no more names at once. */
const NAMES_PER_CALL = 10;
/** The longest value of a standard parameter, in bytes. */
export const LONGEST_VALUE = 4096;

/** AWS refused or could not be reached; names how, and no value: AWS's own words may quote one. */
export class StoreError extends CommandError {
  constructor(cause: unknown) {
    const name = cause instanceof Error ? cause.name : "unknown failure";
    const hint = /Credentials|Token/.test(name)
      ? " Which account? Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and the rest."
      : "";
    super(`SSM: ${name}.${hint}`);
  }
}

const orStoreError = (cause: unknown): never => {
  throw new StoreError(cause);
};

/** A parameter as SSM has it. */
export interface StoredParameter {
  value: string;
  version: number;
  changedAt: Date | undefined;
}

/** The parameters of one stage, for a person's commands: by the SDK, with whatever credentials the person has. */
export class ParameterStore {
  readonly #client: SSMClient;
  readonly #prefix: string;
  readonly #keyId: string;
  readonly stage: StageName;
  /** SSM is a server on this machine. */
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
   * Reads parameters, decrypted. What SSM does not have is left out.
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
   * Writes a parameter, as a new version if it is there.
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
