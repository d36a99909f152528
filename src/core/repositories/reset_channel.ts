/**
 * How the link or code of a reset was sent: by mail to any address, or by SMS to one number. Only a hash of the number is kept, because
 * addresses and numbers are stored with the identifiers only.
 */
export type ResetChannel =
  | { type: "email" }
  | {
      type: "phone";
      /** SHA-256 of the normalized number. */
      numberHash: string;
    };
