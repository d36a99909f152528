import { object, type output, pipe, refine, safeParse, string, transform, type ZodMiniType } from "zod/mini";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables by name, each with the schema that reads its string. */
export type Variables = Readonly<Record<string, ZodMiniType>>;

/**
 * Where a deployment takes a variable from: its stage file (`setting`), a parameter of SSM, Lambda itself, or nowhere,
 * since only tests and the local stack set it.
 */
export type Origin = "setting" | "lambda" | "local" | { parameter: string | null; isSecret: boolean };

const origins = new WeakMap<ZodMiniType, Origin>();

function withOrigin<Schema extends ZodMiniType>(schema: Schema, origin: Origin): Schema {
  origins.set(schema, origin);
  return schema;
}

/** A variable whose value is a SecureString of SSM, named like the variable. */
export const secret = <Schema extends ZodMiniType>(schema: Schema) =>
  withOrigin(schema, { parameter: null, isSecret: true });

/** A variable whose value anybody may know, and which is a parameter of SSM all the same. */
export const published = <Schema extends ZodMiniType>(schema: Schema, parameter: string) =>
  withOrigin(schema, { parameter, isSecret: false });

/** A variable that Lambda sets in every function. */
export const givenByLambda = <Schema extends ZodMiniType>(schema: Schema) => withOrigin(schema, "lambda");

/** A variable that no deployment has. */
export const localOnly = <Schema extends ZodMiniType>(schema: Schema) => withOrigin(schema, "local");

/** What a variable was marked as; a `setting` if it was not. */
export const originOf = (schema: ZodMiniType): Origin => origins.get(schema) ?? "setting";

/** The environment lacks something or holds something unusable. Names every variable at once; never quotes a value. */
export class ConfigError extends Error {
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    super(`Missing or unusable environment variables: ${names.join(", ")}. See .env.example.`);
    this.name = "ConfigError";
    this.names = names;
  }
}

/**
 * Reads a group of variables.
 * @throws ConfigError naming every variable that is missing or does not fit
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

/** A variable that holds JSON of the given shape. */
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

/** A whole number within bounds, written in decimal digits. */
export function integer(minimum: number, maximum: number) {
  return pipe(
    string().check(
      refine((value) => /^\d{1,15}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum),
    ),
    transform(Number),
  );
}
