/** The parts of JSON Schema (2020-12) that the document uses. */
export interface Schema {
  $ref?: string;
  /** A list if the value may be null. */
  type?: string | readonly string[];
  description?: string;
  format?: string;
  pattern?: string;
  const?: unknown;
  enum?: readonly unknown[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  discriminator?: { propertyName: string; mapping: Readonly<Record<string, string>> };
  examples?: readonly unknown[];
}

/** A pointer into `components`. */
export interface Reference {
  $ref: string;
}

export interface Example {
  summary?: string;
  value: unknown;
}

export interface MediaType {
  schema: Schema;
  examples?: Readonly<Record<string, Example | Reference>>;
}

export interface Header {
  description: string;
  required?: boolean;
  schema: Schema;
}

export interface Response {
  description: string;
  headers: Readonly<Record<string, Header | Reference>>;
  content?: { "application/json": MediaType };
}

/** Responses by status. */
export type Responses = Readonly<Record<string, Response | Reference>>;

/** Alternative security schemes; `{}` if none is required. */
export type Security = readonly Readonly<Record<string, readonly string[]>>[];

/** A code sample, as Redoc and Scalar read it. */
export interface CodeSample {
  lang: string;
  label: string;
  source: string;
}

export interface Operation {
  operationId: string;
  tags: readonly string[];
  summary: string;
  description: string;
  deprecated?: boolean;
  security: Security;
  parameters?: readonly (Header & { name: string; in: string })[];
  requestBody?: {
    required: boolean;
    content: Partial<Record<"application/json" | "application/x-www-form-urlencoded", MediaType>>;
  };
  responses: Responses;
  /** The date that introduced this form of the method. Later dates serve it unchanged. */
  "x-introduced"?: string;
  /** Who may call this form of the method, and whether it uses the caller if the request names no user. */
  "x-callers"?: { text: string; usesCallerByDefault: boolean };
  /** Calls with the typed client. Only for the newest form of a method. */
  "x-codeSamples"?: readonly CodeSample[];
  /** The path's version is not published yet. */
  "x-preview"?: boolean;
}

export type PathItem = Readonly<Partial<Record<"get" | "head" | "post", Operation>>>;

/** The parts of an OpenAPI 3.1 document that Nest uses. */
export interface OpenApiDocument {
  openapi: string;
  info: {
    title: string;
    version: string;
    summary: string;
    description: string;
    license: { name: string; identifier: string };
  };
  servers: readonly { url: string; description: string }[];
  tags: readonly { name: string; description: string }[];
  paths: Readonly<Record<string, PathItem>>;
  components: {
    schemas: Readonly<Record<string, Schema>>;
    responses: Readonly<Record<string, Response>>;
    examples: Readonly<Record<string, Example>>;
    headers: Readonly<Record<string, Header>>;
    securitySchemes: Readonly<Record<string, object>>;
  };
  /** The responses of every path and HTTP method that `paths` does not have. */
  "x-unmatched": { description: string; responses: Responses };
}
