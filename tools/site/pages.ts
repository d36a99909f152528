/** A section of the sidebar. */
interface Group {
  title: string;
  /** Files are relative to the root of the repository. */
  pages: readonly (readonly [title: string, file: string])[];
  isCollapsed?: boolean;
}

/** Pages outside `docs`, with the path that they have on the site. */
const OUTSIDE: Readonly<Record<string, string>> = {
  "README.md": "readme.md",
  "CONTRIBUTING.md": "contributing.md",
  "CHANGELOG.md": "changelog.md",
  "SECURITY.md": "report_a_vulnerability.md",
  "packages/client/README.md": "typed_client.md",
  "packages/stripe_double/README.md": "stripe_double.md",
};

/** The sidebar, in the order that a newcomer needs. */
export const GROUPS: readonly Group[] = [
  {
    title: "Start",
    pages: [
      ["Start in five minutes", "docs/start.md"],
      ["Your own app", "docs/your_app.md"],
      ["Browser and React", "docs/browser_and_react.md"],
      ["Electron", "docs/electron.md"],
      ["Cookies", "docs/cookies.md"],
      ["Passwords", "docs/passwords.md"],
      ["Second factors", "docs/mfa.md"],
      ["Passkeys", "docs/passkeys.md"],
      ["Registration and resets", "docs/registration.md"],
      ["Codes by SMS and mail", "docs/codes.md"],
      ["Addresses and numbers", "docs/verification.md"],
      ["Accounts", "docs/accounts.md"],
      ["Users", "docs/users.md"],
      ["Roles", "docs/roles.md"],
      ["Webhooks", "docs/webhooks.md"],
      ["OAuth providers", "docs/oauth.md"],
      ["CAPTCHA", "docs/captcha.md"],
      ["Sell plans", "docs/checkout.md"],
      ["The local stack", "docs/local_stack.md"],
    ],
  },
  {
    title: "Use the API",
    pages: [
      ["Concepts", "docs/concepts.md"],
      ["Methods", "docs/methods.md"],
      ["Errors", "docs/errors.md"],
      ["Typed client", "packages/client/README.md"],
      ["Offline entitlement", "docs/entitlement.md"],
      ["Standard libraries", "docs/standard_libraries.md"],
      ["Adapters", "docs/adapters/README.md"],
      ["Coverage", "docs/coverage.md"],
      ["Adapter beep", "docs/adapters/beep.md"],
      ["Adapter service_authentication", "docs/adapters/service_authentication.md"],
      ["Adapter static_backend", "docs/adapters/static_backend.md"],
    ],
  },
  {
    title: "Run it in production",
    pages: [
      ["Move in", "docs/move_in.md"],
      ["Deploy", "docs/deploy.md"],
      ["Configure", "docs/configure.md"],
      ["Operate", "docs/operate.md"],
      ["Admin console", "docs/console.md"],
      ["Audit log", "docs/audit.md"],
      ["Upgrade", "docs/upgrade.md"],
      ["Changelog", "CHANGELOG.md"],
      ["The nest command", "docs/cli.md"],
      ["Limits and cost", "docs/limits_and_cost.md"],
      ["Scale", "docs/scale.md"],
    ],
  },
  {
    title: "Runbooks",
    isCollapsed: true,
    pages: [
      ["Database", "docs/runbooks/database.md"],
      ["Database failover", "docs/runbooks/database_failover.md"],
      ["Lost device", "docs/runbooks/lost_device.md"],
      ["Mail bounces", "docs/runbooks/mail_bouncing.md"],
      ["Move from the 2022 service", "docs/runbooks/move_from_2022.md"],
      ["Replay webhooks", "docs/runbooks/replay_webhooks.md"],
      ["Restore", "docs/runbooks/restore.md"],
      ["Rotate keys", "docs/runbooks/rotate_signing_keys.md"],
      ["Scheduled jobs", "docs/runbooks/scheduled_jobs.md"],
      ["Stripe", "docs/runbooks/stripe.md"],
    ],
  },
  {
    title: "Security",
    pages: [
      ["Measures", "docs/security/measures.md"],
      ["Threats", "docs/security/threats.md"],
      ["OWASP ASVS", "docs/security/asvs.md"],
      ["Report a vulnerability", "SECURITY.md"],
    ],
  },
  {
    title: "Choose",
    pages: [
      ["Comparison", "docs/comparison.md"],
      ["Questions and answers", "docs/faq.md"],
      ["Glossary", "docs/glossary.md"],
    ],
  },
  {
    title: "Evidence",
    pages: [
      ["Results", "docs/results.md"],
      ["Performance", "docs/performance.md"],
      ["Figures", "docs/bench/figures.md"],
      ["Faults", "docs/faults.md"],
      ["Promises", "docs/promises.md"],
    ],
  },
  {
    title: "Change Nest",
    pages: [
      ["Front page", "README.md"],
      ["Contributing", "CONTRIBUTING.md"],
      ["Architecture", "docs/architecture.md"],
      ["Data model", "docs/data_model.md"],
      ["Stripe's events", "docs/stripe_events.md"],
      ["The Stripe double", "packages/stripe_double/README.md"],
      ["Differences of the double", "docs/stripe_differences.md"],
      ["The installed desktop client", "docs/desktop_client.md"],
      ["Contract sections", "docs/contract.md"],
      ["Decisions", "docs/decisions/README.md"],
    ],
  },
];

/** Pages that no group lists: the start page, and the decisions, which have a list of their own. */
export const UNLISTED = /^docs\/(?:README\.md|decisions\/\d{4}_\w+\.md)$/;

/**
 * The path of a page on the site, which has every page of `docs` and some others.
 * @param file from the root of the repository
 * @returns null if the site does not have the file
 */
export function sitePath(file: string): string | null {
  if (file === "docs/README.md") return "index.md";
  if (file.startsWith("docs/") && file.endsWith(".md")) {
    return file.slice("docs/".length).replace(/(^|\/)README\.md$/, "$1index.md");
  }
  return OUTSIDE[file] ?? null;
}
