import { object, type output, pipe, refine, safeParse, string, transform, type ZodMiniType } from "zod/mini";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables by name, each with the schema that parses its string. */
export type Variables = Readonly<Record<string, ZodMiniType>>;

/**
 * Where a deployment gets a variable's value: the stage file (`setting`), an SSM parameter, the Lambda runtime
 * (`lambda`), or nowhere because only tests and the local stack set it (`local`).
 */
export type Origin = "setting" | "lambda" | "local" | { parameter: string | null; isSecret: boolean };

const origins = new WeakMap<ZodMiniType, Origin>();

function withOrigin<Schema extends ZodMiniType>(schema: Schema, origin: Origin): Schema {
  origins.set(schema, origin);
  return schema;
}

/** A variable whose value is an SSM SecureString of the same name. */
export const secret = <Schema extends ZodMiniType>(schema: Schema) =>
  withOrigin(schema, { parameter: null, isSecret: true });

/** A variable whose value is a public SSM parameter. */
export const published = <Schema extends ZodMiniType>(schema: Schema, parameter: string) =>
  withOrigin(schema, { parameter, isSecret: false });

/** A variable that the Lambda runtime sets. */
export const givenByLambda = <Schema extends ZodMiniType>(schema: Schema) => withOrigin(schema, "lambda");

/** A variable that only tests and the local stack set. */
export const localOnly = <Schema extends ZodMiniType>(schema: Schema) => withOrigin(schema, "local");

/** Where a variable's value comes from; `setting` by default. */
export const originOf = (schema: ZodMiniType): Origin => origins.get(schema) ?? "setting";

/** Environment variables are missing or invalid. The message names all of them and quotes no value. */
export class ConfigError extends Error {
  readonly names: readonly string[];
  /** @param why what is wrong with the value, without quoting it; for a value that its schema accepts */
  constructor(names: readonly string[], why?: string) {
    const reason = why === undefined ? "" : ` (${why})`;
    super(`Missing or unusable environment variables: ${names.join(", ")}${reason}. See .env.example.`);
    this.name = "ConfigError";
    this.names = names;
  }
}

/**
 * Reads and validates a group of environment variables.
 * @throws ConfigError naming every variable that is missing or invalid
 */
export function readConfig<Group extends Variables>(
  variables: Group,
  environment: Environment,
): { [Name in keyof Group]: output<Group[Name]> } {
  const present = Object.fromEntries(
    Object.keys(variables).map((name) => [name, environment[name] === "" ? undefined : environment[name]]),
  );
  const parsed = safeParse(object(variables), present);
  if (parsed.success) return parsed.data as { [Name in keyof Group]: output<Group[Name]> };
  throw new ConfigError([...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))]);
}

/** The schema of a variable that holds JSON of the given shape. */
export function json<Shape extends ZodMiniType>(shape: Shape) {
  return pipe(
    pipe(
      string(),
      transform((value, context) => {
        try {
          return JSON.parse(value) as unknown;
        } catch {
          context.issues.push({ code: "custom", message: "not JSON", input: undefined });
          return undefined;
        }
      }),
    ),
    shape as never,
  ) as unknown as ZodMiniType<output<Shape>, string>;
}

/** The schema of a variable that holds a whole number within bounds, in decimal digits. */
export function integer(minimum: number, maximum: number) {
  return pipe(
    string().check(
      refine((value) => /^\d{1,15}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum),
    ),
    transform(Number),
  );
}
