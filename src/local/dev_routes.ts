import { number, enum as oneOf, optional, safeParse, strictObject } from "zod/mini";
import type { SesDouble } from "#local/ses_double.ts";

/** What the page and scripts ask of the local stack; none of it exists in a deployed function. */
export type DevRoutes = (
  method: string,
  path: string,
  body: Buffer,
) => Promise<{ status: number; value?: unknown }>;

export const isDevPath = (path: string) => path === "/dev" || path.startsWith("/dev/");

const mailFault = strictObject({
  calls: number(),
  kind: optional(oneOf(["error", "hang", "rate_limited", "rejected", "none"])),
});

/** @param status what `GET /dev/status` answers */
export function createDevRoutes(ses: SesDouble, status: () => unknown): DevRoutes {
  return async (method, path, body) => {
    switch (`${method} ${path}`) {
      case "GET /dev/status":
        return { status: 200, value: status() };
      case "GET /dev/inbox":
        return { status: 200, value: ses.inbox };
      case "DELETE /dev/inbox":
        ses.clear();
        return { status: 204 };
      case "POST /dev/mail/faults": {
        const asked = safeParse(mailFault, parse(body));
        if (!asked.success) return { status: 400, value: { code: "validation_failed" } };
        ses.fault({ calls: asked.data.calls, kind: asked.data.kind ?? "error" });
        return { status: 204 };
      }
      default:
        return { status: 404, value: { code: "not_found" } };
    }
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}
