import { useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import { day } from "#tools/console/page/format.ts";
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

/** A status of a user, as a word and a color. */
export const StatusMark = ({ status }: { status: string }) =>
  status === "active" ? (
    <Mark tone="good">Active</Mark>
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
        <List
          of={pages}
          label="Users"
          empty="No user matches. Nest searches for the start of an address: check the first letters."
        >
          {(user) => <Row user={user} />}
        </List>
      </section>
    </main>
  );
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
      <a href={hrefOf("users", user.id)}>{user.email ?? user.id}</a>
      {user.name && ` ${user.name}`}
      <div class="quiet small">
        Since {day(user.created_at)}
        {user.roles.length > 1 && `, roles: ${user.roles.join(", ")}`}
      </div>
    </div>
    <StatusMark status={user.status} />
  </div>
);
