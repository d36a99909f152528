import { BEEP_ROWS } from "#tools/docs/features/beep.ts";
import { findTests, type ShownBy } from "#tools/docs/features/find_tests.ts";
import type { CoverageRow } from "#tools/docs/features/row.ts";
import { SERVICE_AUTHENTICATION_ROWS } from "#tools/docs/features/service_authentication.ts";
import { STATIC_BACKEND_ROWS } from "#tools/docs/features/static_backend.ts";

export const path = "docs/coverage.md";

const SERVICES: readonly (readonly [title: string, page: string, rows: readonly CoverageRow[]])[] = [
  ["StaticBackend", "static_backend", STATIC_BACKEND_ROWS],
  ["Beep's backend-login", "beep", BEEP_ROWS],
  ["service-authentication", "service_authentication", SERVICE_AUTHENTICATION_ROWS],
];

function cellOf(tests: readonly ShownBy[]): string {
  if (tests.length === 0) return "**Open**";
  const byFile = Map.groupBy(tests, ({ file }) => file);
  return [...byFile]
    .map(([file, own]) => `\`${file}\`: ${own.map(({ name }) => `"${name}"`).join(", ")}`)
    .join("<br>");
}

/** @throws Error that lists every test that a row names and that does not exist */
export async function render() {
  const all = SERVICES.flatMap(([, , rows]) => rows);
  const tests = await findTests(all);
  const open = all.filter((each) => tests.get(each)?.length === 0);
  return [
    "# Coverage",
    "Every feature of the three services that the [adapters](adapters/README.md) replace, what Nest has for it, and the tests that show it. " +
      "For people who decide whether Nest can replace one of them. A test counts for a row if its name begins with the row's number, or if " +
      "`tools/docs/features/` names it; `npm run docs` fails if such a test does not exist.",
    "Nest also has features that none of the three services has, such as [passkeys](passkeys.md). [The promises](promises.md) name the tests of " +
      "the rules that must always hold.",
    "A name that begins with a number such as `WP3.5` belongs to a test of `tests/black_box`, which calls a running stack over HTTP and knows " +
      "nothing of its code. Numbers at the end of a name, such as `(F6, N4)`, are cases of StaticBackend: " +
      "`tests/adapters/static_backend_cases.test.ts` fails if a case has no test. To run one test, pass its file and a part of its name:",
    "```sh\nnpm test -- tests/adapters/static_backend.test.ts -t 'takes sessions of its own key'\n```",
    `${all.length - open.length} of ${all.length} rows have a test.${open.length === 0 ? "" : ` Open: ${open.map(({ id }) => id).join(", ")}.`}`,
    ...SERVICES.flatMap(([title, page, rows]) => [
      `## ${title}`,
      `The [adapter](adapters/${page}.md) has the routes, and the differences from the original.`,
      {
        head: ["Row", "Feature", "Nest", "Tests"],
        rows: rows.map((each) => [each.id, each.feature, each.nest, cellOf(tests.get(each) ?? [])]),
      },
    ]),
    "Next: [adapters](adapters/README.md), [comparison](comparison.md).",
  ];
}
