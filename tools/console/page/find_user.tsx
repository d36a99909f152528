import { useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { datesOf } from "#tools/console/page/dates.ts";
import { Elsewhere } from "#tools/console/page/elsewhere.tsx";
import { List } from "#tools/console/page/list.tsx";
import { usePages } from "#tools/console/page/pages.ts";
import { Mark } from "#tools/console/page/parts.tsx";
import { hrefOf } from "#tools/console/page/route.ts";
import { settings } from "#tools/console/page/settings.ts";

type UserRow = Responses["list_users"]["items"][number];

interface Search {
  query?: string;
  status?: string;
  role?: string;
}

interface StatusProps {
  status: string;
  /** What keeps an active user from signing in, in words; null: nothing. */
  blocked?: string | null;
}

/** A status of a user, as words and a color. */
export const StatusMark = ({ status, blocked = null }: StatusProps) =>
  status === "active" ? (
    <Mark tone={blocked === null ? "good" : "warn"}>{blocked ?? "Active"}</Mark>
  ) : (
    <Mark tone="bad">{status === "disabled" ? "Disabled" : "Deleted"}</Mark>
  );

/** Finds users by the start of an address or number, by id, status or role. */
export function FindUser() {
  const [search, setSearch] = useState<Search>({});
  const pages = usePages("list_users", { ...search, limit: 25 });
  useEffect(() => {
    document.title = `Users, ${settings.app} console`;
  }, []);
  return (
    <main>
      <section class="card wide" aria-labelledby="find-title">
        <h1 id="find-title">Users</h1>
        <SearchForm search={setSearch} />
        <List of={pages} label="Users" empty={emptyText(search)}>
          {(user) => <Row user={user} />}
        </List>
      </section>
      {search.query && pages.items && search.status === undefined && (
        <Elsewhere key={search.query} query={search.query} isFound={pages.items.length > 0} />
      )}
    </main>
  );
}

/** What an empty list says. */
function emptyText({ query, status }: Search): string {
  if (!query) return "No user matches.";
  const now =
    status === "deleted" ? "No deleted user had an address" : "No user has an address or number now";
  return `${now} that starts with "${query}". Check the first letters.`;
}

function SearchForm({ search }: { search: (search: Search) => void }) {
  const submit = (form: HTMLFormElement) => {
    const asked = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()] as const);
    const fields: Search = Object.fromEntries(asked.filter(([, value]) => value !== ""));
    // An id names one user, so no search is needed.
    if (/^user_\w+$/.test(fields.query ?? "")) location.hash = hrefOf("users", fields.query ?? "");
    else search(fields);
  };
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <div class="grow">
        <label for="query">Email address, phone number or user id</label>
        <input
          id="query"
          name="query"
          type="search"
          maxLength={254}
          placeholder="ada@example.com, +65..., user_..."
        />
      </div>
      <div>
        <label for="status">Status</label>
        <select id="status" name="status">
          <option value="">All</option>
          <option value="active">Active</option>
          <option value="disabled">Disabled</option>
          <option value="deleted">Deleted</option>
        </select>
      </div>
      <div>
        <label for="role">Role</label>
        <input id="role" name="role" type="text" size={10} maxLength={40} placeholder="Any" />
      </div>
      <button type="submit">Find</button>
    </form>
  );
}

const Row = ({ user }: { user: UserRow }) => (
  <div class="title">
    <div>
      <a href={hrefOf("users", user.id)}>{user.email ?? user.match ?? user.id}</a>
      {user.name && ` ${user.name}`}
      <div class="quiet small">
        {datesOf(user)}
        {user.match !== null && user.email !== null && user.match !== user.email && `, also ${user.match}`}
        {user.match_is_pending && ", an address that the user added and has not verified yet"}
        {!user.is_verified && user.status !== "deleted" && ", no verified address or number"}
        {user.roles.length > 1 && `, roles: ${user.roles.join(", ")}`}
      </div>
    </div>
    <StatusMark status={user.status} />
  </div>
);
