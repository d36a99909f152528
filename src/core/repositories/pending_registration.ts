/** What Nest sends after a registration is complete. */
export type RegistrationMessage = "welcome_mail" | "welcome_sms" | "reset_mail";

/** The registration that the code of a verification completes. */
export interface PendingRegistration {
  /** Null if the person set none. */
  password: { hash: string; pepperId: string } | null;
  name: string | null;
  /** The name of the account. */
  accountName: string | null;
  /** A phone number to add, in E.164; null if there is none. */
  phone: string | null;
  messages: readonly RegistrationMessage[];
  /** The page that the link of a reset opens. */
  redirectUri: string;
}

/** The membership that an invitation gives. */
export interface Invite {
  accountId: string;
  /** As a membership refers to the role. */
  role: string;
  /** The user who invites. Their rights count when the invitation is accepted. */
  invitedBy: string;
}
