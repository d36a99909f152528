/** One call as its caller saw it. */
export interface SeenCall {
  operation: string;
  fromMs: number;
  toMs: number;
  /** Null when no answer came. */
  status: number | null;
  code: string | null;
}

/** What callers were told, to be held against what is there at the end. */
export class Ledger {
  readonly calls: SeenCall[] = [];
  /** By address. */
  readonly links = new Map<string, { asked: number; granted: number; refused: number; unanswered: number }>();
  readonly mails = new Map<string, number>();
  /** Tokens that somebody was given. */
  readonly accessTokens = new Set<string>();
  readonly refreshTokens = new Set<string>();
  readonly sessions = new Set<string>();
  /** Of each session that was not signed out, the refresh token that was given last. */
  readonly current = new Map<string, string>();

  link(address: string, status: number | null): void {
    const seen = this.links.get(address) ?? { asked: 0, granted: 0, refused: 0, unanswered: 0 };
    seen.asked++;
    if (status === null) seen.unanswered++;
    else if (status < 300) seen.granted++;
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
