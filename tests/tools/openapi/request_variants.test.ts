import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { openApiDocument } from "#tests/support/declared.ts";
import { formsOf, resolve } from "#tools/openapi/read.ts";
import type { Schema } from "#tools/openapi/types.ts";

const post = openApiDocument.paths["/1/2021-10-06/authenticate_user"]?.post;
const content = post?.requestBody?.content["application/json"];
const body = resolve<Schema>(openApiDocument, content?.schema as Schema);
const variants = (body.oneOf ?? []).map((one) => resolve<Schema>(openApiDocument, one));

test("each grant has its own schema, with exactly its fields, all of them required", () => {
  const shown = variants.map(({ properties = {}, required = [], additionalProperties }) => ({
    grant: properties.grant_type?.const,
    fields: Object.keys(properties).sort(),
    required: [...required].sort(),
    additionalProperties,
  }));
  const code = ["client_id", "code", "code_verifier", "grant_type", "redirect_uri"];
  const refresh = ["client_id", "grant_type", "refresh_token"];
  expect(shown).toEqual([
    { grant: "authorization_code", fields: code, required: code, additionalProperties: false },
    { grant: "refresh_token", fields: refresh, required: refresh, additionalProperties: false },
  ]);
});

test("the discriminator names the schema of each grant", () => {
  const { propertyName, mapping = {} } = body.discriminator ?? {};
  expect(propertyName).toBe("grant_type");
  const named = Object.entries(mapping).map(([grant, $ref]) => [
    grant,
    resolve<Schema>(openApiDocument, { $ref }).properties?.grant_type?.const,
  ]);
  expect(named).toEqual([
    ["authorization_code", "authorization_code"],
    ["refresh_token", "refresh_token"],
  ]);
});

test("each example matches the schema of its grant and no other", () => {
  const ajv = new Ajv2020({ strict: false });
  const examples = Object.entries(content?.examples ?? {}) as [string, { value: unknown }][];
  for (const [grant, { value }] of examples) {
    const matching = variants.filter((variant) => ajv.validate(variant, value));
    expect(matching.map(({ properties }) => properties?.grant_type?.const)).toEqual([grant]);
  }
  expect(examples).toHaveLength(2);
});

test("readers that list fields get the fields of all grants, of which only the common ones are required", () => {
  const form = formsOf(openApiDocument).find(({ name }) => name === "authenticate_user");
  expect(form?.request.required).toEqual(["client_id", "grant_type"]);
  expect(Object.keys(form?.request.properties ?? {})).toHaveLength(6);
  expect(form?.request.properties?.grant_type?.enum).toEqual(["authorization_code", "refresh_token"]);
});
