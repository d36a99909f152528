import { expect, test } from "vitest";
import { readParameters } from "#core/parameters.ts";
import { startSsmDouble } from "#tests/support/ssm_double.ts";

const NAMES = ["FIRST", "SECOND"];
/** Generous, so that a busy machine does not fail the test. */
const PATIENT_MS = 30_000;

test("returns an environment without parameter names unchanged and does not call SSM", async () => {
  const environment = { FIRST: "1", AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
  expect(await readParameters(environment, NAMES)).toBe(environment);
});

test("sets a variable to its parameter's value, and keeps a value that is already set", async () => {
  await using ssm = await startSsmDouble({ "/nest/first": ["old", "new"], "/nest/second": "unused" });
  const environment = {
    FIRST_PARAMETER: "/nest/first",
    SECOND: "here",
    SECOND_PARAMETER: "/nest/second",
    OTHER_PARAMETER: "/nest/first",
    AWS_ENDPOINT_URL_SSM: ssm.url,
  };
  expect(await readParameters(environment, NAMES)).toEqual({ ...environment, FIRST: "new" });
  expect(ssm.asked).toEqual([["/nest/first"]]);
});

test("reads the parameter version that the name asks for", async () => {
  await using ssm = await startSsmDouble({ "/nest/first": ["old", "new"] });
  const environment = { FIRST_PARAMETER: "/nest/first:1", AWS_ENDPOINT_URL_SSM: ssm.url };
  expect(await readParameters(environment, NAMES)).toMatchObject({ FIRST: "old" });
});

test("leaves a variable missing if its parameter does not exist, and reads the others", async () => {
  await using ssm = await startSsmDouble({ "/nest/second": "2" });
  const read = await readParameters(
    { FIRST_PARAMETER: "/nest/first", SECOND_PARAMETER: "/nest/second", AWS_ENDPOINT_URL_SSM: ssm.url },
    NAMES,
  );
  expect({ FIRST: read.FIRST, SECOND: read.SECOND }).toEqual({ FIRST: undefined, SECOND: "2" });
});

test("reads more than ten parameters in several concurrent calls", async () => {
  const names = Array.from({ length: 23 }, (_none, index) => `V${index}`);
  await using ssm = await startSsmDouble(Object.fromEntries(names.map((name) => [`/nest/${name}`, name])));
  const environment = {
    ...Object.fromEntries(names.map((name) => [`${name}_PARAMETER`, `/nest/${name}`])),
    AWS_ENDPOINT_URL_SSM: ssm.url,
  };
  const read = await readParameters(environment, names);
  for (const name of names) expect(read[name]).toBe(name);
  expect(ssm.asked.map((asked) => asked.length).sort()).toEqual([10, 10, 3].sort());
});

test("retries after throttling and after a lost connection", async () => {
  await using ssm = await startSsmDouble({ "/nest/first": "1" });
  ssm.fault("throttled", "reset", "throttled");
  const environment = { FIRST_PARAMETER: "/nest/first", AWS_ENDPOINT_URL_SSM: ssm.url };
  expect(await readParameters(environment, NAMES, PATIENT_MS)).toMatchObject({ FIRST: "1" });
  expect(ssm.asked).toHaveLength(4);
});

test.each([
  ["hangs", Array<"hang">(5).fill("hang"), "SSM: TimeoutError"],
  // The limit may also end a request.
  [
    "throttles for too long",
    Array<"throttled">(60).fill("throttled"),
    expect.stringMatching(/^SSM: (Throttling|Timeout)/),
  ],
  ["refuses", ["denied"] as const, "SSM: AccessDeniedException"],
])("returns unavailable within a call's time limit if SSM %s", async (_case, faults, detail) => {
  await using ssm = await startSsmDouble({ "/nest/first": "1" });
  ssm.fault(...faults);
  const reading = readParameters({ FIRST_PARAMETER: "/nest/first", AWS_ENDPOINT_URL_SSM: ssm.url }, NAMES);
  await expect(reading).rejects.toMatchObject({ code: "unavailable", detail });
});
