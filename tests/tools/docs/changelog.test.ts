import { expect, test } from "vitest";
import { changelogSection, olderSections } from "#tools/docs/changelog.ts";

const commit = (subject: string, body = "") => ({ subject, body });

test("groups Conventional Commits, names breaking changes first, and leaves out what users do not notice", () => {
  const commits = [
    commit("feat(auth): sign in with a code"),
    commit("fix: send one mail", "It sent two."),
    commit("feat(app)!: read OAuth clients from the app file"),
    commit(
      "perf(database)!: send one command",
      "Why.\n\nBREAKING CHANGE: needs MongoDB 7,\nbecause of that.\n\nSigned: x",
    ),
    commit("feat(bench): draw charts"),
    commit("test(auth): race it"),
    commit("docs: say so"),
    commit("Start Nest: the pinned toolchain"),
  ];
  expect(changelogSection("1.2.3", "2026-11-29", commits)).toBe(`## 1.2.3 (2026-11-29)

### Breaking

- **app:** read OAuth clients from the app file
- **database:** needs MongoDB 7, because of that.

### Added

- **app:** read OAuth clients from the app file
- **auth:** sign in with a code

### Fixed

- send one mail

### Faster

- **database:** send one command`);
});

test("writes a path with a placeholder as code", () => {
  const moved = commit("feat(app)!: read stages from app/<name>/stages");
  expect(changelogSection("1.2.5", "2026-11-30", [moved])).toContain("from `app/<name>/stages`");
});

test("has only a title for a version without changes", () => {
  expect(changelogSection("1.2.4", "2026-11-30", [commit("docs: say so")])).toBe("## 1.2.4 (2026-11-30)");
});

test("keeps the sections of other versions, and replaces a section of the same version", () => {
  const sections = [
    "# Changelog\n\nWhat changed.\n",
    "## 0.3.0 (2026-12-01)\n\n### Added\n\n- c\n",
    "## 0.2.0 (2026-11-29)\n\n- b",
  ];
  const text = sections.join("\n");
  expect(olderSections(text, "0.4.0")).toEqual({ text: sections.slice(1).join("\n"), newest: "0.3.0" });
  expect(olderSections(text, "0.3.0")).toEqual({ text: sections[2], newest: "0.2.0" });
  expect(olderSections("", "0.1.0")).toEqual({ text: "", newest: null });
});
