import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";

const read = (path: string) => readFile(path, "utf8");
const yaml = async (path: string) => parse(await read(path), { strict: true, uniqueKeys: true });

test("compose.yaml publishes MongoDB on loopback only, at the port that the README names", async () => {
  const { services, volumes } = await yaml("compose.yaml");
  const { image, ports, volumes: mounted, healthcheck } = services.mongodb;
  expect(image).toMatch(/^mongo:\d+\.\d+$/);
  expect(ports).toEqual(["127.0.0.1:27017:27017"]);
  expect(Object.keys(volumes)).toEqual([mounted[0].split(":")[0]]);
  expect(healthcheck.test[0]).toBe("CMD");
  expect(await read("README.md")).toContain("MONGODB_URI=mongodb://127.0.0.1:27017/ npm start");
});

test("the CI workflow runs .ci/run on the whole history, with read access", async () => {
  const { jobs, permissions, on } = await yaml(".github/workflows/ci.yml");
  expect(permissions).toEqual({ contents: "read" });
  expect(Object.keys(on)).toEqual(["push", "pull_request"]);
  const { steps } = jobs.ci;
  expect(steps.at(-1)).toEqual({ run: ".ci/run" });
  expect(steps[0].with["fetch-depth"]).toBe(0);
});

test.each(["bug", "feature"])("the issue form %s has fields with unique ids", async (name) => {
  const { body, description } = await yaml(`.github/ISSUE_TEMPLATE/${name}.yml`);
  expect(description).toMatch(/\w/);
  const ids = body.flatMap(({ id }: { id?: string }) => id ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { type, attributes } of body)
    expect(type === "markdown" ? attributes.value : attributes.label).toBeTruthy();
});

test("the packages and the OpenAPI document have the license of the LICENSE file and the version of Nest", async () => {
  expect(await read("LICENSE")).toMatch(/^MIT License\n/);
  const { license, version } = JSON.parse(await read("package.json"));
  expect(license).toBe("MIT");
  for (const name of ["client", "stripe_double"])
    expect(JSON.parse(await read(`packages/${name}/package.json`))).toMatchObject({ license: "MIT" });
  const { info } = JSON.parse(await read("docs/openapi.json"));
  expect(info.license).toEqual({ name: "MIT", identifier: "MIT" });
  expect(await read("CHANGELOG.md")).toContain(`## ${version} (`);
});
