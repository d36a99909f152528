import type { Responses } from "#client/index.ts";
import { day } from "#tools/console/page/format.ts";

type Dated = Pick<Responses["list_users"]["items"][number], "created_at" | "deleted_at">;

/** When a user was created, and deleted. */
export const datesOf = ({ created_at, deleted_at }: Dated): string =>
  `Created ${day(created_at)}${deleted_at === null ? "" : `, deleted ${day(deleted_at)}`}`;
