import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StripeFaultKind } from "#stripe_double/faults.ts";
import { stripeRoutes } from "#stripe_double/stripe_routes.ts";
import { EVENT_TYPES } from "#stripe_double/types.ts";
import { startDoubleWithSdk } from "#tests/packages/stripe_double/double_with_sdk.ts";
import { type EmptyProject, emptyProject, packed } from "#tests/support/empty_project.ts";
import { nodesToTry } from "#tests/support/other_node.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { samplesOf } from "#tests/support/samples.ts";

const PACKAGE = fileURLToPath(new URL("../../../packages/stripe_double/", import.meta.url));
const MODULES = fileURLToPath(new URL("../../../node_modules/", import.meta.url));
const manifest = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8"));
const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
const dependencies = Object.keys(declared);
const readme = await readFile(join(PACKAGE, "README.md"), "utf8");

describe("the source of the Stripe double", () => {
  test("imports only its own files, its declared dependencies and Node", async () => {
    const files = (await readdir(join(PACKAGE, "src"))).filter((name) => name.endsWith(".ts"));
    const packages = new Set<string>();
    for (const file of files) {
      const code = await readFile(join(PACKAGE, "src", file), "utf8");
      for (const [, name = ""] of code.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
        if (name.startsWith("./")) expect(files, `${file} imports ${name}`).toContain(name.slice(2));
        else if (!name.startsWith("node:")) packages.add(name.split("/")[0] ?? "");
      }
    }
    expect([...packages].sort()).toEqual([...dependencies].sort());
  });

  test("declares the versions that this repository tests it with", async () => {
    const { dependencies } = JSON.parse(await readFile(join(MODULES, "../package.json"), "utf8"));
    for (const [name, version] of Object.entries(declared)) expect(dependencies[name], name).toBe(version);
  });

  test("does not mention Nest or the product that it sells", async () => {
    for (const file of await readdir(join(PACKAGE, "src"))) {
      expect(await readFile(join(PACKAGE, "src", file), "utf8"), file).not.toMatch(/beak|nest\b/i);
    }
  });
});

describe("the packed Stripe double in an empty project", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let archive: string;
  let project: EmptyProject;
  beforeAll(async () => {
    folder = await temporaryFolder();
    archive = await packed("packages/stripe_double", folder.path);
    project = await emptyProject(archive, dependencies);
    await project.link("@types/node", "undici-types");
  }, 120_000);
  afterAll(async () => {
    await project?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test.each(nodesToTry())(
    "is installed with its dependencies only, and runs the example of its README, on Node $version",
    async (node) => {
      await using fresh = await emptyProject(archive, dependencies, node.path);
      expect(await fresh.packages()).toEqual([manifest.name, ...dependencies].sort());
      const [example] = await samplesOf(join(PACKAGE, "README.md"));
      const printed = await fresh.runFile("example.js", example?.code ?? "");
      expect(printed).toMatch(/^active\n/);
      expect(printed).toContain("customer.subscription.trial_will_end");
    },
  );

  test("serves the billing portal with its style", async () => {
    const program = `import { startStripeDouble } from "${manifest.name}";
      const double = await startStripeDouble();
      const { customer } = double.createSubscription({ email: "ada@example.com" });
      console.log(await (await fetch(double.openPortal(customer))).text());
      await double.close();`;
    const printed = await project.runFile("portal.js", program);
    expect(printed).toContain("Default product, £4.99 a month");
    expect(printed).toContain("--accent");
  });

  test("contains its license, and its changelog with its version", async () => {
    const at = (name: string) => join(project.path, "node_modules", manifest.name, name);
    expect(await readFile(at("LICENSE"), "utf8")).toMatch(/^MIT License\n/);
    expect(await readFile(at("CHANGELOG.md"), "utf8")).toContain(`\n## ${manifest.version}\n`);
  });

  test.each(["nodenext", "bundler"] as const)(
    "has types that a strict program compiles with, with the resolution %s",
    async (resolution) => {
      const program = `import { startStripeDouble, type StripeDouble } from "${manifest.name}";
        const double: StripeDouble = await startStripeDouble({ account: { name: "Shop" } });
        double.fault({ calls: 1, kind: "error" });
        // @ts-expect-error no such kind of fault
        double.fault({ calls: 1, kind: "explode" });
        const status: string = double.createSubscription({ email: null, trialDays: 14 }).status;
        console.log(status);`;
      await project.compile({ "types.ts": program }, resolution, ["--types", "node"]);
    },
  );
});

describe("the README of the Stripe double", () => {
  const missingIn = (text: string, names: readonly string[]) => names.filter((name) => !text.includes(name));

  test("names every resource of the API", () => {
    const paths = stripeRoutes({ base: "", returnUrl: null }).map(({ path }) => path);
    const resources = new Set(paths.map((path) => `\`${path.replace(/\/:id.*/, "")}\``));
    expect(missingIn(readme, [...resources])).toEqual([]);
  });

  test("names every event type", () => {
    for (const type of EVENT_TYPES) {
      const [, group = "", name = ""] = /^(.*)\.(\w+)$/.exec(type) ?? [];
      const row = readme.split("\n").find((line) => line.startsWith(`| \`${group}\` |`));
      expect(row, type).toContain(`\`${name}\``);
    }
  });

  test("names every kind of fault", () => {
    const kinds: Record<StripeFaultKind, true> = {
      ...{ error: true, rate_limited: true, missing: true, hang: true, error_after: true },
      ...{ lost: true, hang_after: true, none: true },
    };
    const rows = Object.keys(kinds).map((kind) => `| \`${kind}\` |`);
    expect(missingIn(readme, rows)).toEqual([]);
  });

  test("names every property and method of a running double", async () => {
    await using running = await startDoubleWithSdk();
    const names = Object.keys(running.double).map((name) => `\`${name}`);
    expect(missingIn(readme, names)).toEqual([]);
  });
});
