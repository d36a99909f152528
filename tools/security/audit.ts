import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
type Severity = (typeof SEVERITIES)[number];

interface Report {
  vulnerabilities?: Record<string, { name: string; severity: Severity; via: (string | { url: string })[] }>;
  message?: string;
}

/** @returns npm's report, or the reason why there is none */
function audit(...options: string[]): Promise<Report | string> {
  return new Promise((resolve) => {
    execFile("npm", ["audit", "--json", ...options], { cwd: ROOT, timeout: 120_000 }, (error, stdout) => {
      const report = parse(stdout);
      if (report?.vulnerabilities) resolve(report);
      else resolve(report?.message ?? error?.message ?? "npm printed no report");
    });
  });
}

function parse(text: string): Report | null {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return null;
  }
}

/** Prints the packages with advisories of at least this severity. @returns their number */
function printAdvisories(report: Report, least: Severity, what: string): number {
  const found = Object.values(report.vulnerabilities ?? {}).filter(
    ({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least),
  );
  for (const { name, severity, via } of found) {
    const sources = via.map((source) => (typeof source === "string" ? source : source.url));
    console.error(`${severity}: ${name}, ${what} (${sources.join(", ")})`);
  }
  return found.length;
}

/**
 * Queries the registry for advisories on the installed packages and prints them. Some mirrors don't support audits:
 * then it prints that nothing was audited.
 * @returns false if a deployed package has an advisory, or a development tool has a high or critical advisory
 */
export async function auditDependencies(): Promise<boolean> {
  const [deployed, all] = await Promise.all([audit("--omit=dev"), audit()]);
  if (typeof deployed === "string" || typeof all === "string") {
    const reason = String(typeof deployed === "string" ? deployed : all).split("\n")[0];
    console.error(`Dependencies were NOT audited: the registry does not support audits (${reason}).`);
    return true;
  }
  const found = printAdvisories(deployed, "info", "deployed") + printAdvisories(all, "high", "installed");
  console.log(
    found === 0
      ? "No advisories on deployed packages, and none that are high or critical on development tools."
      : `${found} packages with advisories. Update them.`,
  );
  return found === 0;
}
