import { useState } from "preact/hooks";
import { nest } from "#tools/console/page/nest.ts";
import { Failure } from "#tools/console/page/parts.tsx";

/** The id of the user who has an address or number, or had it; null if nobody did. A typed id names its user. */
async function findPerson(typed: string): Promise<string | null> {
  if (/^user_\w+$/.test(typed)) return typed;
  for (const status of [undefined, "deleted"] as const) {
    const asked = { query: typed, limit: 10, ...(status && { status }) };
    const { items } = await nest.call("list_users", asked);
    const same = items.find(({ match }) => match === typed.toLowerCase());
    if (same) return same.id;
  }
  return null;
}

/** Chooses the user whose deliveries are listed. */
export function AboutWhom({ choose }: { choose: (id: string | null) => void }) {
  const [problem, setProblem] = useState<unknown>(null);
  const search = async (typed: string) => {
    setProblem(null);
    if (typed === "") return choose(null);
    try {
      const id = await findPerson(typed);
      if (id === null)
        setProblem(`No user has or had the address or number "${typed}". Type the whole address or number.`);
      else choose(id);
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <form
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        void search(String(new FormData(event.currentTarget).get("about")).trim());
      }}
    >
      <div class="grow">
        <label for="about">About the user with this address, number or id</label>
        <input id="about" name="about" type="search" maxLength={254} placeholder="All users" />
      </div>
      <button type="submit">Show</button>
      {typeof problem === "string" && (
        <p class="error" role="alert">
          {problem}
        </p>
      )}
      {problem !== null && typeof problem !== "string" && <Failure error={problem} />}
    </form>
  );
}
