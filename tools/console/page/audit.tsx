import { useState } from "preact/hooks";
import { ACTIONS, type AuditRow, sayWhat, sayWho } from "#tools/console/page/audit_words.ts";
import { capital, words } from "#tools/console/page/format.ts";
import { List } from "#tools/console/page/list.tsx";
import { useMay } from "#tools/console/page/me.ts";
import { usePages } from "#tools/console/page/pages.ts";
import { Card, Facts, Mark, Missing, When } from "#tools/console/page/parts.tsx";
import { Person } from "#tools/console/page/person.tsx";

/** Which rows are shown; absent: all. */
interface Filter {
  action?: string;
  outcome?: string;
}

/** Who did what with a user, and what was refused. */
export function Audit({ id }: { id: string }) {
  const may = useMay("audit.read");
  const [filter, setFilter] = useState<Filter>({});
  const pages = usePages("list_audit_logs", may ? { user_id: id, limit: 10, ...filter } : null);
  const refresh = (
    <button type="button" class="second small" onClick={pages.reload}>
      Refresh<span class="unseen"> the audit trail</span>
    </button>
  );
  return (
    <Card title="Audit trail" action={may && refresh}>
      {may ? (
        <>
          <FilterForm filter={filter} choose={setFilter} />
          <List
            of={pages}
            label="Audit trail"
            empty="Nothing of this kind is recorded. A change appears within a minute."
          >
            {(row) => <Row of={row} id={id} />}
          </List>
        </>
      ) : (
        <Missing capability="audit.read" />
      )}
    </Card>
  );
}

interface FilterProps {
  filter: Filter;
  choose: (filter: Filter) => void;
}

function FilterForm({ filter: { action, outcome }, choose }: FilterProps) {
  // An empty value would be a filter that Nest refuses.
  const set = (next: Filter) =>
    choose(Object.fromEntries(Object.entries(next).filter(([, value]) => value !== "")));
  return (
    <form class="search" onSubmit={(event) => event.preventDefault()}>
      <div class="grow">
        <label for="audit-action">What happened</label>
        <select
          id="audit-action"
          value={action ?? ""}
          onChange={({ currentTarget: { value } }) => set({ outcome: outcome ?? "", action: value })}
        >
          <option value="">Everything</option>
          {Object.entries(ACTIONS).map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </div>
      <div>
        <label for="audit-outcome">Outcome</label>
        <select
          id="audit-outcome"
          value={outcome ?? ""}
          onChange={({ currentTarget: { value } }) => set({ action: action ?? "", outcome: value })}
        >
          <option value="">All</option>
          <option value="success">Done</option>
          <option value="failure">Refused</option>
        </select>
      </div>
    </form>
  );
}

const Row = ({ of: row, id }: { of: AuditRow; id: string }) => (
  <>
    <div class="title">
      <span>{sayWhat(row)}</span>
      {row.outcome === "failure" && <Mark tone="bad">Refused</Mark>}
    </div>
    <div class="small">
      By <Actor of={row.actor} id={id} />, <When at={row.occurred_at} />
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
  ["Client", row.client_id],
  ["Session of the caller", row.session_id],
  ["IP address", origin?.ip ?? null],
  ["Program", origin?.user_agent ?? null],
  ["Call", row.request_id],
];
