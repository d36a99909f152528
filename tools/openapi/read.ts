import { ERRORS } from "#core/error_codes.ts";
import type { ErrorCode } from "#core/errors.ts";
import type { Version } from "#core/versions.ts";
import { mergedVariants } from "#tools/openapi/request_variants.ts";
import type {
  MediaType,
  OpenApiDocument,
  Operation,
  Reference,
  Response,
  Schema,
} from "#tools/openapi/types.ts";

/** An error that an operation can return. */
export interface DocumentedError {
  code: ErrorCode;
  status: number;
  meaning: string;
}

/** A method as one date introduced it, read from the document. */
export interface DocumentedForm {
  name: string;
  /** The date that introduced it. */
  introduced: Version;
  /** Every path that serves this form, oldest date first. */
  paths: string[];
  operation: Operation;
  /** With the fields of all variants. */
  request: Schema;
  requestExamples: Readonly<Record<string, { summary?: string; value: unknown }>>;
  /** Null where the response is 204. */
  response: Schema | null;
  responseExample: unknown;
  errors: DocumentedError[];
}

/** Resolves a reference into `components`; returns any other value unchanged. */
export function resolve<Value extends object>(document: OpenApiDocument, value: Value | Reference): Value {
  if (!("$ref" in value) || typeof value.$ref !== "string") return value as Value;
  const [, , kind = "", name = ""] = value.$ref.split("/");
  return (document.components as unknown as Record<string, Record<string, Value>>)[kind]?.[name] as Value;
}

/** The error codes that a response can carry. */
export function codesIn(response: Response): ErrorCode[] {
  const examples = response.content?.["application/json"].examples ?? {};
  return Object.keys(examples).filter((name): name is ErrorCode => Object.hasOwn(ERRORS, name));
}

/** The errors of an operation, by status. */
export function errorsOf(document: OpenApiDocument, responses: Operation["responses"]): DocumentedError[] {
  return Object.entries(responses).flatMap(([status, response]) =>
    codesIn(resolve(document, response)).map((code) => ({
      code,
      status: Number(status),
      meaning: ERRORS[code][1],
    })),
  );
}

function exampleIn(document: OpenApiDocument, media: MediaType | undefined): unknown {
  const [first] = Object.values(media?.examples ?? {});
  return first && resolve(document, first).value;
}

/** Every form of every method, once each even if several dates serve it, oldest date first. */
export function formsOf(document: OpenApiDocument): DocumentedForm[] {
  const forms = new Map<string, DocumentedForm>();
  for (const [path, { post }] of Object.entries(document.paths)) {
    if (!post?.["x-introduced"] || !post.requestBody) continue;
    const name = path.split("/").at(-1) ?? "";
    const key = `${post["x-introduced"]}/${name}`;
    const known = forms.get(key);
    if (known) {
      known.paths.push(path);
      continue;
    }
    const asked = post.requestBody.content["application/json"];
    if (!asked) throw new Error(`${path} takes no JSON, though it is a method.`);
    const ok = post.responses[200];
    const answered = ok && resolve(document, ok).content?.["application/json"];
    forms.set(key, {
      name,
      introduced: post["x-introduced"] as Version,
      paths: [path],
      operation: post,
      request: mergedVariants(resolve(document, asked.schema), (one) => resolve(document, one)),
      requestExamples: asked.examples as DocumentedForm["requestExamples"],
      response: answered ? resolve(document, answered.schema as Reference) : null,
      responseExample: exampleIn(document, answered),
      errors: errorsOf(document, post.responses),
    });
  }
  return [...forms].sort(([one], [other]) => one.localeCompare(other)).map(([, form]) => form);
}
