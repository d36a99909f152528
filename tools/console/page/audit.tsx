import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import {
  ACTIONS,
  type AuditRow,
  isAutomatic,
  type Names,
  sayWhat,
  sayWho,
} from "#tools/console/page/audit_words.ts";
import { capital, words } from "#tools/console/page/format.ts";
import { List } from "#tools/console/page/list.tsx";
import { useMay } from "#tools/console/page/me.ts";
import { clientNameOf, usePersonName, useRoleName } from "#tools/console/page/names.ts";
import { usePages } from "#tools/console/page/pages.ts";
import { Card, Facts, Mark, Missing, When } from "#tools/console/page/parts.tsx";
import { Person } from "#tools/console/page/person.tsx";

type User = Responses["get_user"];

/** Which rows are shown; absent: all about the user. */
interface Filter {
  action?: string;
  outcome?: string;
  /** The id of the user who did it, or `BY_USER`. */
  by?: string;
}

/** What the user did, to anybody. */
const BY_USER = "anything";

/** What Nest is asked for. */
function requestOf(id: string, { by, ...filter }: Filter) {
  const whose = by === BY_USER ? { actor_id: id } : { user_id: id, ...(by && { actor_id: by }) };
  return { ...whose, ...filter, limit: 10 };
}

/** Who did what with a user, and what was refused. */
export function Audit({ user }: { user: User }) {
  const { id } = user;
  const may = useMay("audit.read");
  const [filter, setFilter] = useState<Filter>({});
  const pages = usePages("list_audit_logs", may ? requestOf(id, filter) : null);
  const people = usePeopleOf(pages.items ?? [], id);
  const names = { role: useRoleName(), address: addressesOf(user) };
  const refresh = (
    <button type="button" class="second small" onClick={pages.reload}>
      Refresh<span class="unseen"> the audit trail</span>
    </button>
  );
  return (
    <Card title="Audit trail" action={may && refresh}>
      {may ? (
        <>
          <FilterForm filter={filter} choose={setFilter} id={id} people={people} />
          <List
            of={pages}
            label="Audit trail"
            empty="Nothing of this kind is recorded. A change appears within a minute."
          >
            {(row) => <Row of={row} id={id} names={names} />}
          </List>
        </>
      ) : (
        <Missing capability="audit.read" />
      )}
    </Card>
  );
}

const addressesOf = (user: User) => (id: string) =>
  user.identifiers.find((one) => one.id === id)?.identifier_value;

/** The other people who were an actor of a row that was shown. */
function usePeopleOf(rows: readonly AuditRow[], id: string): string[] {
  const [seen, setSeen] = useState<string[]>([]);
  const found = rows.flatMap(({ actor }) => (actor.type === "user" && actor.id !== null ? [actor.id] : []));
  const all = [...new Set([...seen, ...found])].filter((one) => one !== id);
  useEffect(() => setSeen(all), [all.join()]);
  return all;
}

interface FilterProps {
  filter: Filter;
  choose: (filter: Filter) => void;
  id: string;
  people: readonly string[];
}

function FilterForm({ filter, choose, id, people }: FilterProps) {
  // An empty value would be a filter that Nest refuses.
  const set = (change: Filter) =>
    choose(Object.fromEntries(Object.entries({ ...filter, ...change }).filter(([, value]) => value !== "")));
  return (
    <form class="search" onSubmit={(event) => event.preventDefault()}>
      <Select
        isWide
        name="action"
        label="What happened"
        value={filter.action}
        choose={(action) => set({ action })}
      >
        <option value="">Everything</option>
        {Object.entries(ACTIONS).map(([name, title]) => (
          <option key={name} value={name}>
            {title}
          </option>
        ))}
      </Select>
      <Select name="by" label="Who did it" value={filter.by} choose={(by) => set({ by })}>
        <option value="">Anybody</option>
        <option value={id}>This user</option>
        {people.map((person) => (
          <PersonOption key={person} id={person} />
        ))}
        <option value={BY_USER}>This user, including to other users</option>
      </Select>
      <Select name="outcome" label="Outcome" value={filter.outcome} choose={(outcome) => set({ outcome })}>
        <option value="">All</option>
        <option value="success">Done</option>
        <option value="failure">Refused</option>
      </Select>
    </form>
  );
}

const PersonOption = ({ id }: { id: string }) => <option value={id}>{usePersonName(id)}</option>;

interface SelectProps {
  name: string;
  label: string;
  isWide?: boolean;
  value: string | undefined;
  choose: (value: string) => void;
  children: ComponentChildren;
}

const Select = ({ name, label, isWide, value, choose, children }: SelectProps) => (
  <div class={isWide ? "grow" : undefined}>
    <label for={`audit-${name}`}>{label}</label>
    <select
      id={`audit-${name}`}
      value={value ?? ""}
      onChange={({ currentTarget }) => choose(currentTarget.value)}
    >
      {children}
    </select>
  </div>
);

const Row = ({ of: row, id, names }: { of: AuditRow; id: string; names: Names }) => (
  <>
    <div class="title">
      <span>{sayWhat(row, names)}</span>
      {row.outcome === "failure" && <Mark tone="bad">Refused</Mark>}
    </div>
    <div class="small">
      By {isAutomatic(row) && "Nest itself, in a call of "}
      <Actor of={row.actor} id={id} />
      {row.user_id !== null && row.user_id !== id && (
        <>
          , about <Person id={row.user_id} />
        </>
      )}
      , <When at={row.occurred_at} />
    </div>
    <details>
      <summary class="quiet small">Details</summary>
      <Facts of={factsOf(row)} />
    </details>
  </>
);

/** Another user is a link with the address, so that the row tells who it is. */
function Actor({ of: actor, id }: { of: AuditRow["actor"]; id: string }) {
  if (actor.type !== "user" || actor.id === null) return <>{sayWho(actor)}</>;
  return actor.id === id ? <>this user</> : <Person id={actor.id} />;
}

const inWords = (name: string) =>
  capital(words(name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)));

/** Everything that a row records, for questions that its words do not answer. */
const factsOf = ({ target, origin, ...row }: AuditRow): (readonly [string, string | null])[] => [
  ["Action", row.action],
  ["Error code", row.error_code],
  [capital(words(target.type)), target.id],
  ["Account", target.type === "account" ? null : row.account_id],
  ...Object.entries(row.data as Record<string, string | null>).map(
    ([name, value]) => [inWords(name), value] as const,
  ),
  ["Client", row.client_id && `${clientNameOf(row.client_id)} (${row.client_id})`],
  ["Session of the caller", row.session_id],
  ["IP address", origin?.ip ?? null],
  ["User agent", origin?.user_agent ?? null],
  ["Call", row.request_id],
];
