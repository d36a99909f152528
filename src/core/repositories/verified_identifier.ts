import type { Identifier } from "#core/repositories/identifiers.ts";

/** Whether a user has proved an address or number, and has not removed it. */
export const isVerified = ({
  verifiedAt,
  removedAt,
}: Pick<Identifier, "verifiedAt" | "removedAt">): boolean => verifiedAt !== null && removedAt === null;
