/** A call with its response, as the caller saw it. */
export interface SeenCall {
  operation: string;
  fromMs: number;
  toMs: number;
  /** Null: no response. */
  status: number | null;
  code: string | null;
}

/** The responses that callers got, for the audit at the end. */
export class Ledger {
  readonly calls: SeenCall[] = [];
  /** Link requests by address. */
  readonly links = new Map<
    string,
    { requested: number; accepted: number; refused: number; unanswered: number }
  >();
  readonly mails = new Map<string, number>();
  /** Ids of issued tokens. */
  readonly accessTokens = new Set<string>();
  readonly refreshTokens = new Set<string>();
  readonly sessions = new Set<string>();
  /** The last refresh token of each session that was not signed out. */
  readonly current = new Map<string, string>();

  link(address: string, status: number | null): void {
    const seen = this.links.get(address) ?? { requested: 0, accepted: 0, refused: 0, unanswered: 0 };
    seen.requested++;
    if (status === null) seen.unanswered++;
    else if (status < 300) seen.accepted++;
    else seen.refused++;
    this.links.set(address, seen);
  }

  mail(to: string): void {
    this.mails.set(to, (this.mails.get(to) ?? 0) + 1);
  }

  /** @returns the session */
  tokens(answer: { access_token: string; refresh_token: string }): string {
    const payload = answer.access_token.split(".")[1] ?? "";
    const { jti, sid } = JSON.parse(Buffer.from(payload, "base64url").toString()) as {
      jti: string;
      sid: string;
    };
    this.accessTokens.add(jti);
    this.refreshTokens.add(answer.refresh_token.split(".")[1] ?? "");
    this.sessions.add(sid);
    this.current.set(sid, answer.refresh_token);
    return sid;
  }
}
