import { pipe, strictObject, transform, type ZodMiniType } from "zod/mini";

/** One value for every stage, or an object with one for each. */
export function perStage<Value>(schema: ZodMiniType<Value>) {
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  return pipe(
    transform((value: unknown) => (isObject(value) ? value : { local: value, nonprod: value, prod: value })),
    strictObject({ local: schema, nonprod: schema, prod: schema }) as never,
  ) as unknown as ZodMiniType<{ local: Value; nonprod: Value; prod: Value }>;
}
