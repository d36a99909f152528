// Made by `node tools/docs/main.ts` from the declarations of the methods. Change those, not this file.

/** The date that this client speaks. */
export const VERSION = "2021-10-06";

/** Each method: whether it needs a bearer, and which of its fields the client can fill in. */
export const METHODS = {
  authenticate_user: { bearer: false, fills: ["client_id","redirect_uri"] },
  create_trial_and_magic_link: { bearer: false, fills: ["client_id","redirect_uri"] },
  get_marketing_consent: { bearer: true, fills: ["user_id"] },
  get_subscription_status: { bearer: true, fills: ["user_id"] },
  get_user: { bearer: true, fills: ["user_id"] },
  list_news_items: { bearer: false, fills: ["client_id"] },
  list_sessions: { bearer: true, fills: ["user_id"] },
  revoke_session: { bearer: true, fills: ["user_id"] },
  revoke_token: { bearer: false, fills: ["client_id"] },
  send_magic_link: { bearer: false, fills: ["client_id","redirect_uri"] },
  set_marketing_consent: { bearer: true, fills: ["user_id"] },
} as const satisfies Record<
  string,
  { bearer: boolean; fills: readonly ("client_id" | "redirect_uri" | "user_id")[] }
>;

export type Method = keyof typeof METHODS;

/** What any method may answer beside the errors of its own. */
export const COMMON_ERRORS = ["validation_failed","body_missing","malformed_json","body_too_large","unauthorized","access_denied","unknown","unavailable"] as const;

/** The errors of each method's own. */
export const ERRORS = {
  authenticate_user: [
    "code_missing",
    "code_verifier_missing",
    "redirect_uri_missing",
    "refresh_token_missing",
    "malformed_code",
    "malformed_refresh_token",
    "token_not_found",
    "token_used",
    "token_expired",
    "authorization_not_found",
    "incorrect_client",
    "incorrect_redirect_uri",
    "incorrect_code_verifier",
    "not_found",
    "client_not_found",
    "rate_limited",
  ],
  create_trial_and_magic_link: [
    "invalid_redirect_uri",
    "invalid_email",
    "client_not_found",
    "already_subscribed",
    "trial_already_used",
    "rate_limited",
    "stripe_error",
    "email_not_sent",
  ],
  get_marketing_consent: [
    "not_found",
    "awaiting_consent",
  ],
  get_subscription_status: [
    "no_active_subscription",
  ],
  get_user: [
    "not_found",
  ],
  list_news_items: [],
  list_sessions: [],
  revoke_session: [
    "not_found",
  ],
  revoke_token: [],
  send_magic_link: [
    "invalid_redirect_uri",
    "invalid_email",
    "client_not_found",
    "rate_limited",
    "email_not_sent",
  ],
  set_marketing_consent: [
    "not_found",
  ],
} as const satisfies Record<Method, readonly string[]>;

/** Every code that a method can answer with. */
export type Errors = {
  [M in Method]: (typeof COMMON_ERRORS)[number] | (typeof ERRORS)[M][number];
};

/** What errors carry beside their code. */
export interface ErrorBodies {
  validation_failed: {
    meta: {
      /** Where it is: names of fields, and places in lists. Empty for the body itself. */
      path: Array<string | number>;
      /** What is wrong, for a person. */
      message: string;
      /** The rule that failed, in JSON Schema's words. */
      name: "type" | "additionalProperties" | "required" | "minLength" | "maxLength" | "minimum" | "maximum" | "enum" | "format";
    };
    reasons: Array<{
      code: "validation_failed";
      meta: {
        /** Where it is: names of fields, and places in lists. Empty for the body itself. */
        path: Array<string | number>;
        /** What is wrong, for a person. */
        message: string;
        /** The rule that failed, in JSON Schema's words. */
        name: "type" | "additionalProperties" | "required" | "minLength" | "maxLength" | "minimum" | "maximum" | "enum" | "format";
      };
    }>;
  };
  unauthorized: {
    reasons: Array<{
      code: "malformed_token" | "unknown_token_type" | "invalid_token" | "invalid_token_version" | "token_not_found" | "token_revoked" | "token_expired";
    }>;
  };
  invalid_email: {
    meta: {
      message: "Missing final '@domain'" | "Domain starts with dot";
    };
  };
  rate_limited: {
    meta: {
      /** Seconds. */
      retry_after: number;
    };
  };
  unavailable: {
  };
  body_too_large: {
    meta: {
      /** Bytes. */
      limit: number;
    };
  };
  unknown: {
    meta: {
      request_id: string;
    };
  };
}

/** What each method is asked with. */
export interface Requests {
  /** Exchanges a mailed code, or a refresh token, for tokens. */
  authenticate_user: {
    /** The OAuth client that asks. */
    client_id: string;
    /** What is exchanged; the other grant's fields are ignored. */
    grant_type: "refresh_token" | "authorization_code";
    /** `authorization_code`: the same as in the link's request. */
    redirect_uri?: string;
    /** `authorization_code`: the code of the mailed link. Works once, for 20 minutes. */
    code?: string;
    /** `authorization_code`: the random string whose hash went with the link's request. It never leaves the machine before (RFC 7636, section 4.1). */
    code_verifier?: string;
    /** Opaque. Good for 365 days and for one use, which answers its successor; keep the newest. */
    refresh_token?: string;
  };
  /** Starts a trial for an email address and sends the magic link that opens it. */
  create_trial_and_magic_link: {
    /** The OAuth client that asks. */
    client_id: string;
    /** Where the link leads: one of the client's own, letter by letter. */
    redirect_uri: string;
    /** Comes back in the link unchanged. The client finds its code verifier by it, so make a new random one for each link (RFC 6749, section 10.12). */
    state: string;
    /** How the challenge was made (RFC 7636). */
    code_challenge_method: "S256";
    /** The SHA-256 of the code verifier as unpadded base64url, 43 characters (RFC 7636, section 4.2); 64 hex digits are taken too. */
    code_challenge: string;
    /** What kind of identifier it is. */
    identifier_type: "email";
    /** The mail address as it was typed. Mail goes to it; upper and lower case name the same person. */
    identifier_value: string;
    /** The machine that asks. One that signed the address in before keeps a limit of its own, which strangers can't use up. */
    device: {
      /** Its operating system. */
      platform: "mac" | "windows" | "linux";
      /** A random string that this installation made once and keeps. */
      beak_id: string;
      /** A digest of the hardware. */
      fingerprint: string;
    };
  };
  /** Returns the marketing consent level that a user chose. */
  get_marketing_consent: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
  };
  /** Returns a user's subscription. */
  get_subscription_status: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
  };
  /** Returns a user with every email address they have or had. */
  get_user: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
  };
  /** Lists the news items currently shown to a client. */
  list_news_items: {
    /** The OAuth client that asks. */
    client_id: string;
  };
  /** Lists a user's active sessions, oldest first. */
  list_sessions: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
  };
  /** Revokes one of a user's sessions. */
  revoke_session: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
    /** The session, as `list_sessions` names it. */
    session_id: string;
  };
  /** Signs out: revokes the session of a refresh token. */
  revoke_token: {
    /** The OAuth client that asks. */
    client_id: string;
    /** Opaque. Good for 365 days and for one use, which answers its successor; keep the newest. */
    refresh_token: string;
  };
  /** Emails a magic link that signs the recipient in once. */
  send_magic_link: {
    /** The OAuth client that asks. */
    client_id: string;
    /** Where the link leads: one of the client's own, letter by letter. */
    redirect_uri: string;
    /** Comes back in the link unchanged. The client finds its code verifier by it, so make a new random one for each link (RFC 6749, section 10.12). */
    state: string;
    /** How the challenge was made (RFC 7636). */
    code_challenge_method: "S256";
    /** The SHA-256 of the code verifier as unpadded base64url, 43 characters (RFC 7636, section 4.2); 64 hex digits are taken too. */
    code_challenge: string;
    /** What kind of identifier it is. */
    identifier_type: "email";
    /** The mail address as it was typed. Mail goes to it; upper and lower case name the same person. */
    identifier_value: string;
    /** The machine that asks. One that signed the address in before keeps a limit of its own, which strangers can't use up. */
    device?: {
      /** Its operating system. */
      platform: "mac" | "windows" | "linux";
      /** A random string that this installation made once and keeps. */
      beak_id: string;
      /** A digest of the hardware. */
      fingerprint: string;
    };
  };
  /** Records the marketing consent level that a user chooses. */
  set_marketing_consent: {
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
    /** `general` is a yes to news and offers by mail, `none` a no. */
    level: "none" | "general";
  };
}

/** What each method answers; undefined where there is no body. */
export interface Responses {
  authenticate_user: {
    /** A JWS for the `authorization` header (RFC 9068). Opaque to a client: whether it is still good is only told by a call. */
    access_token: string;
    /** How the access token is sent. */
    token_type: "bearer";
    /** Seconds until the access token ends. */
    expires_in: number;
    /** When the access token ends. */
    expires_at: string;
    /** Opaque. Good for 365 days and for one use, which answers its successor; keep the newest. */
    refresh_token: string;
    /** The user. Opaque; compare it, don't read it. */
    user_id: string;
    /** The OAuth client that asks. */
    client_id: string;
  };
  create_trial_and_magic_link: undefined;
  get_marketing_consent: {
    /** `general` is a yes to news and offers by mail, `none` a no. */
    level: "none" | "general";
  };
  get_subscription_status: {
    /** Stripe's word for a subscription that can be used. `past_due`: a payment failed and is tried again. */
    status: "active" | "trialing" | "past_due" | "incomplete";
    /** Stripe's portal, where the person changes or ends the subscription. A short-lived credential: open it, never keep it. Null if Stripe does not answer in time. */
    billing_portal_url: string | null;
    /** When the current period began. */
    start_date: string;
    /** When access ends unless the subscription goes on. */
    end_date: string;
    /** When it will end, if that was asked for. */
    cancel_at: string | null;
    /** `period_end`: it runs to the end of what was paid; `immediate`: it was ended at once; null: nobody ended it. */
    cancel_type: "immediate" | "period_end" | null;
    /** When the end was asked for. */
    cancelled_at: string | null;
    /** A JWS that lets the app work offline until its `exp`, at most 14 days. Null for an internal caller and while a payment is disputed. */
    entitlement: string | null;
  };
  get_user: {
    /** The user. Opaque; compare it, don't read it. */
    id: string;
    /** When the user first signed in, or was met in Stripe. */
    created_at: string;
    /** Every address the user ever had. */
    identifiers: Array<{
      /** The identifier. Opaque; compare it, don't read it. */
      id: string;
      /** What kind of identifier it is. */
      identifier_type: "email";
      /** The address in lower case. */
      identifier_value: string;
      /** When it was first met. */
      created_at: string;
      /** When it last changed; null if never. */
      updated_at: string | null;
      /** When its owner first followed a link that was mailed to it; null if never. */
      verified_at: string | null;
      /** When it was taken away; null while it is in use. */
      removed_at: string | null;
    }>;
  };
  list_news_items: Array<{
    /** The item. Opaque; compare it, don't read it. */
    id: string;
    /** The banner to show. */
    primary: {
      /** The kind of banner. */
      code: "generic_banner";
      /** Whether a person may close it. */
      dismissible: boolean;
      /** What it shows, as plain text. */
      payload: {
        /** Stands before the title. */
        emoji: string;
        /** One line. */
        title: string;
        /** A sentence or two. */
        body: string;
        /** A button; null for none. */
        action: {
          /** What is on the button. */
          cta: string;
          /** Where it leads. */
          url: string;
        } | null;
      };
    };
    /** The banner for a client that does not know `primary.code`; null for none. */
    fallback: {
      /** The kind of banner. */
      code: "generic_banner";
      /** Whether a person may close it. */
      dismissible: boolean;
      /** What it shows, as plain text. */
      payload: {
        /** Stands before the title. */
        emoji: string;
        /** One line. */
        title: string;
        /** A sentence or two. */
        body: string;
        /** A button; null for none. */
        action: {
          /** What is on the button. */
          cta: string;
          /** Where it leads. */
          url: string;
        } | null;
      };
    } | null;
  }>;
  list_sessions: Array<{
    /** The session. `revoke_session` ends it. */
    id: string;
    /** The OAuth client that signed in. */
    client_id: string;
    /** The machine that asked for the link; null if it did not say. */
    device: {
      /** Its operating system. */
      platform: "mac" | "windows" | "linux";
      /** A random string that this installation made once and keeps. */
      beak_id: string;
      /** A digest of the hardware. */
      fingerprint: string;
    } | null;
    /** The network address that signed in. */
    ip: string;
    /** When it signed in. */
    created_at: string;
    /** When its tokens were last refreshed, or made. */
    last_used_at: string;
    /** Whether it is the session of the bearer that asks. */
    current: boolean;
  }>;
  revoke_session: undefined;
  revoke_token: undefined;
  send_magic_link: undefined;
  set_marketing_consent: undefined;
}

/** A machine, as a client describes it. */
export type Device = NonNullable<Requests["send_magic_link"]["device"]>;
