import { grantsOf2026 as grants } from "#core/sign_in/grants/all_of_2026.ts";
import { exampleOf } from "#tools/openapi/schema.ts";
import type { Example, Schema } from "#tools/openapi/types.ts";

/** A method whose fields depend on the value of one field. */
interface Variants {
  field: string;
  /** By the value of the field. */
  cases: Readonly<Record<string, Variant>>;
}

interface Variant {
  /** A name for people. */
  summary: string;
  /** The fields of this variant. They are required unless another list names them. */
  fields: readonly string[];
  optional?: readonly string[];
  /** Fields that the fields of `instead` can take the place of, at versions that have those. */
  replaced?: readonly string[];
  /** Optional fields that are not in the example. Some of them take the place of others. */
  instead?: readonly string[];
  /** Samples of fields that have another sample elsewhere. */
  samples?: Readonly<Record<string, unknown>>;
}

/** A code of an authenticator app, an SMS or a mail. */
const DIGITS = "492039";

const fieldsOf = (grant: keyof typeof grants) => Object.keys(grants[grant].parameters);

/** By method. The first variant is the one that people read first. */
const VARIANTS: Readonly<Record<string, Variants>> = {
  authenticate_user: {
    field: "grant_type",
    cases: {
      authorization_code: {
        summary: "The code from a magic link",
        fields: fieldsOf("authorization_code"),
        replaced: ["code"],
        instead: ["nonce", "user_code", "device", "account_id"],
      },
      refresh_token: { summary: "A refresh token", fields: fieldsOf("refresh_token") },
      otp: {
        summary: "A code from an SMS or a mail",
        fields: fieldsOf("otp"),
        optional: ["device"],
        replaced: ["nonce", "code"],
        instead: ["token", "account_id"],
        samples: { code: DIGITS },
      },
      password: {
        summary: "A password",
        fields: fieldsOf("password"),
        optional: ["device"],
        instead: ["account_id"],
      },
      mfa: {
        summary: "A second factor",
        fields: [...fieldsOf("mfa"), "code"],
        replaced: ["factor_id", "code"],
        instead: ["recovery_code", "credential"],
        samples: { code: DIGITS },
      },
      webauthn: {
        summary: "A passkey",
        fields: fieldsOf("webauthn"),
        optional: ["device"],
        instead: ["account_id"],
      },
    },
  },
};

/** Optional fields that are not in the example, because other fields take their place. By method. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  // Only for callers with an internal key.
  send_magic_link: ["email"],
  get_sign_in_history: ["address"],
  send_otp: ["redirect_uri", "email"],
  create_mfa_factor: ["phone_number", "mfa_token"],
  verify_mfa_factor: ["credential", "mfa_token"],
  create_passkey_challenge: ["mfa_token"],
  send_verification: ["identifier_id", "redirect_uri"],
  verify_identifier: ["token"],
};

/** A documented request: its schemas by id, the first of which describes the body, and its examples. */
export interface DocumentedRequest {
  schemas: Record<string, Schema>;
  examples: Record<string, Example>;
}

/**
 * Describes the request of a method. If its fields depend on one field, the body is one of several schemas.
 * @param id the id of the schema of the body in the document
 * @param whole the schema with the fields of all variants
 */
export function documentedRequest(method: string, id: string, whole: Schema): DocumentedRequest {
  const variants = VARIANTS[method];
  if (!variants) {
    const example = exampleOf(whole);
    const leftOut = LEFT_OUT[method];
    const value = leftOut ? withoutFields(example, leftOut) : example;
    return { schemas: { [id]: whole }, examples: { whole: { value } } };
  }
  const values = whole.properties?.[variants.field]?.enum ?? [];
  // An earlier version of the method does not have the variants that came later.
  const served = Object.entries(variants.cases).filter(([value]) => values.includes(value));
  const cases = served.map(([value, { summary, fields, instead = [] }]) => {
    const schema = variantOf(whole, variants, value);
    const example = withoutFields(exampleOf(schema), instead);
    return {
      value,
      fields,
      id: `${id}_${value}`,
      schema: { description: summary, ...schema },
      summary,
      example,
    };
  });
  const refer = (to: string) => `#/components/schemas/${to}`;
  const body: Schema = {
    oneOf: cases.map((one) => ({ $ref: refer(one.id) })),
    discriminator: {
      propertyName: variants.field,
      mapping: Object.fromEntries(cases.map((one) => [one.value, refer(one.id)])),
    },
  };
  return {
    schemas: { [id]: body, ...Object.fromEntries(cases.map((one) => [one.id, one.schema])) },
    examples: Object.fromEntries(
      cases.map(({ value, summary, example }) => [value, { summary, value: example }]),
    ),
  };
}

const withoutFields = (example: unknown, names: readonly string[]) =>
  Object.fromEntries(Object.entries(example as object).filter(([name]) => !names.includes(name)));

/** The schema of one variant: the fields of every variant and its own, which are all required. */
function variantOf(whole: Schema, { field, cases }: Variants, value: string): Schema {
  const { fields: own = [], optional = [], replaced = [], instead = [], samples = {} } = cases[value] ?? {};
  const isReplaced = instead.some((name) => whole.properties?.[name]);
  const notRequired = [...optional, ...instead, ...(isReplaced ? replaced : [])];
  const isRequired = (name: string) => !notRequired.includes(name);
  const ofOthers = Object.values(cases)
    .flatMap(({ fields }) => fields)
    .filter((name) => !own.includes(name));
  const properties = Object.entries(whole.properties ?? {}).filter(([name]) => !ofOthers.includes(name));
  return {
    ...whole,
    properties: Object.fromEntries(
      properties.map(([name, property]) => {
        if (name in samples) return [name, { ...property, examples: [samples[name]] }];
        if (name !== field) return [name, property];
        const { enum: _values, examples: _any, ...schema } = property;
        return [name, { ...schema, const: value }];
      }),
    ),
    required: [...(whole.required ?? []), ...own.filter(isRequired)],
  };
}

/**
 * The fields of all variants of a request in one object, for readers that list fields. A field is required if each variant
 * requires it.
 */
export function mergedVariants(schema: Schema, resolve: (reference: Schema) => Schema): Schema {
  if (!schema.oneOf) return schema;
  const variants = schema.oneOf.map(resolve);
  const [first = {}] = variants;
  const properties: Record<string, Schema> = Object.assign({}, ...variants.map((one) => one.properties));
  const { propertyName = "" } = schema.discriminator ?? {};
  const { const: _one, ...discriminator } = properties[propertyName] ?? {};
  const { description: _summary, ...rest } = first;
  return {
    ...rest,
    properties: {
      ...properties,
      [propertyName]: {
        ...discriminator,
        enum: variants.map((one) => one.properties?.[propertyName]?.const),
      },
    },
    required: (first.required ?? []).filter((name) => variants.every((one) => one.required?.includes(name))),
  };
}
