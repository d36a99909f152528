/**
 * `npm run changelog -- <version>`: writes the section of a version into CHANGELOG.md, from the Conventional Commits since
 * the commit that added the version before it. A section of the same version is replaced.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** The groups of a section in their order, and the types of commits in each. Other types change nothing for users. */
const GROUPS: readonly (readonly [title: string, type: string])[] = [
  ["Added", "feat"],
  ["Fixed", "fix"],
  ["Faster", "perf"],
];
/** Scopes of what only those who change Nest use. */
const INTERNAL = ["attacks", "bench", "promises"];
const FILE = "CHANGELOG.md";
const HEAD = `# Changelog

What changed for those who use, operate or build on Nest. For everyone who upgrades. [Upgrade](docs/upgrade.md) says what to do.
\`npm run changelog\` writes a section from the [Conventional Commits](https://www.conventionalcommits.org) of a version.
`;

/** A commit as git prints it. */
export interface Commit {
  subject: string;
  body: string;
}

interface Change {
  type: string;
  scope: string;
  text: string;
  /** What the commit says after BREAKING CHANGE, or its subject if it only has an exclamation mark. */
  breaking: string | null;
}

/**
 * Formats the section of a version.
 * @param day such as `2026-11-29`
 */
export function changelogSection(version: string, day: string, commits: readonly Commit[]): string {
  const changes = commits.flatMap(readCommit);
  const breaking = changes.flatMap((change) =>
    change.breaking === null ? [] : [{ ...change, text: change.breaking }],
  );
  const groups = [
    ["Breaking", breaking] as const,
    ...GROUPS.map(([title, type]) => [title, changes.filter((change) => change.type === type)] as const),
  ];
  const parts = groups
    .filter(([, found]) => found.length > 0)
    .map(([title, found]) => [`### ${title}`, "", ...found.map(lineOf).sort()].join("\n"));
  return [`## ${version} (${day})`, ...parts].join("\n\n");
}

/** A placeholder such as `app/<name>` becomes code, since a page takes it for a tag. */
const prose = (text: string) => text.replace(/(?<!`)[\w./-]*<\w+>[\w./-]*(?!`)/g, "`$&`");

const lineOf = ({ scope, text }: Change) => `- ${scope === "" ? "" : `**${scope}:** `}${prose(text)}`;

function readCommit({ subject, body }: Commit): Change[] {
  const [, type = "", scope = "", mark, text = ""] =
    /^([a-z]+)(?:\(([^)]+)\))?(!)?: (.+)$/.exec(subject) ?? [];
  if (type === "" || INTERNAL.includes(scope)) return [];
  const note = /(?:^|\n)BREAKING[ -]CHANGE: ([\s\S]+?)(?:\n\n|\s*$)/
    .exec(body)?.[1]
    ?.replace(/\s+/g, " ")
    .trim();
  return [{ type, scope, text, breaking: note ?? (mark ? text : null) }];
}

/**
 * Reads the sections of the other versions.
 * @returns their text, and the newest of these versions
 */
export function olderSections(changelog: string, version: string): { text: string; newest: string | null } {
  const sections = changelog.split(/^(?=## )/m).slice(1);
  const older = sections.filter((section) => !section.startsWith(`## ${version} (`));
  return { text: older.join("").trim(), newest: /^## (\S+) /.exec(older[0] ?? "")?.[1] ?? null };
}

/** @param version its commits and those before it are left out; null: no commit is */
function commitsSince(version: string | null): Commit[] {
  const added = version && git("log", "-1", "--format=%H", `-S## ${version} (`, "--", FILE).trim();
  const range = added ? [`${added}..HEAD`] : ["HEAD"];
  const printed = git("log", "--no-merges", "--format=%s%x1f%b%x1e", ...range);
  return printed
    .split("\u001e")
    .map((entry) => entry.trim().split("\u001f"))
    .map(([subject = "", body = ""]) => ({ subject, body }))
    .filter(({ subject }) => subject !== "");
}

const git = (...args: string[]) =>
  execFileSync("git", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });

if (import.meta.main) {
  const [version = ""] = process.argv.slice(2);
  if (!/^\d+\.\d+\.\d+$/.test(version)) {
    console.error("Pass the new version: npm run changelog -- 0.3.0");
    process.exit(2);
  }
  const older = olderSections(existsSync(FILE) ? readFileSync(FILE, "utf8") : "", version);
  const section = changelogSection(
    version,
    new Date().toISOString().slice(0, 10),
    commitsSince(older.newest),
  );
  writeFileSync(FILE, `${[HEAD.trim(), section, older.text].filter(Boolean).join("\n\n")}\n`);
  console.log(`Wrote ${version} into ${FILE}. Read it, and set the version in package.json.`);
}
