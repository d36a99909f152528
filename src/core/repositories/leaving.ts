/** A user who is giving up a role whose last holder stays. */
export interface Leaving {
  /** The change that this call makes. */
  changeId: string;
  userId: string;
  /** ISO. */
  at: string;
}

/** Matches a change that is settled, and changes that began until a time: their calls have ended. */
export const settledBy = (changeId: string, until: string) =>
  ({ $or: [{ changeId }, { at: { $lte: until } }] }) as unknown as Partial<Leaving>;
