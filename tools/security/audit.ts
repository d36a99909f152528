/**
 * Asks the registry for advisories on what is installed: `npm run audit`. Ends with 1 if a deployed package has one, or
 * a tool has one that is high or critical. Some mirrors have no such service: then nothing was audited, and it says so.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
type Severity = (typeof SEVERITIES)[number];

interface Report {
  vulnerabilities?: Record<string, { name: string; severity: Severity; via: (string | { url: string })[] }>;
  message?: string;
}

/** @returns npm's report, or why there is none */
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

/** Prints what was found from a severity on. @returns how much that is */
function tell(report: Report, least: Severity, what: string): number {
  const found = Object.values(report.vulnerabilities ?? {}).filter(
    ({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least),
  );
  for (const { name, severity, via } of found) {
    const sources = via.map((source) => (typeof source === "string" ? source : source.url));
    console.error(`${severity}: ${name}, ${what} (${sources.join(", ")})`);
  }
  return found.length;
}

const [deployed, all] = await Promise.all([audit("--omit=dev"), audit()]);
if (typeof deployed === "string" || typeof all === "string") {
  const why = typeof deployed === "string" ? deployed : all;
  console.error(
    `Dependencies were NOT audited: the registry answers no audits (${String(why).split("\n")[0]}).`,
  );
} else {
  const found = tell(deployed, "info", "deployed") + tell(all, "high", "installed");
  console.log(
    found === 0 ? "No advisory on what is deployed, and no grave one on tools." : `${found} advisories.`,
  );
  process.exitCode = found === 0 ? 0 : 1;
}
