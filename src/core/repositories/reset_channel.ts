/** How the link or code of a reset was sent: mail to any address, or SMS to one number. Addresses and numbers themselves are stored with the identifiers only. */
export type ResetChannel =
  | { type: "email" }
  | {
      type: "phone";
      /** SHA-256 of the normalized number. */
      numberHash: string;
    };
