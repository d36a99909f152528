import { useCallback, useEffect, useState } from "preact/hooks";
import type { Responses } from "#client/index.ts";
import type { ReadMethod } from "#client/react.ts";
import { nest } from "#tools/console/page/nest.ts";

/** The methods whose answer is a page of a list. */
type ListMethod = {
  [M in ReadMethod]: Responses[M] extends { items: unknown[]; next_cursor: string | null } ? M : never;
}[ReadMethod];

type Item<M extends ListMethod> = Responses[M]["items"][number];

interface Pages<M extends ListMethod> {
  /** Undefined until the first page is there. */
  items: Item<M>[] | undefined;
  error: unknown;
  isLoading: boolean;
  /** Reads the next page; null if there is none. */
  more: (() => void) | null;
  /** Reads the first page again. */
  reload: () => void;
}

interface State<M extends ListMethod> {
  items: Item<M>[] | undefined;
  cursor: string | null;
  error: unknown;
  isLoading: boolean;
}

/** Reads a list page by page. @param request compared by its value; null reads nothing */
export function usePages<M extends ListMethod>(method: M, request: object | null): Pages<M> {
  const empty: State<M> = { items: undefined, cursor: null, error: null, isLoading: request !== null };
  const [state, setState] = useState(empty);
  const [turn, setTurn] = useState(0);
  const asked = JSON.stringify(request);
  const read = useCallback(
    async (before: Item<M>[], cursor: string | null, signal?: AbortSignal) => {
      setState((last) => ({ ...last, isLoading: true, error: null }));
      try {
        // JSON.parse loses the type of the request.
        const call = nest.call.bind(nest) as (...args: unknown[]) => Promise<Responses[M]>;
        const body = { ...JSON.parse(asked), ...(cursor !== null && { cursor }) };
        const page = await call(method, body, { signal });
        const items = [...before, ...page.items] as Item<M>[];
        if (!signal?.aborted) setState({ items, cursor: page.next_cursor, error: null, isLoading: false });
      } catch (error) {
        if (!signal?.aborted) setState((last) => ({ ...last, error, isLoading: false }));
      }
    },
    [method, asked],
  );
  useEffect(() => {
    if (asked === "null") return setState(empty);
    const controller = new AbortController();
    void read([], null, controller.signal);
    return () => controller.abort();
  }, [read, asked, turn]);
  const { items, cursor, error, isLoading } = state;
  return {
    ...{ items, error, isLoading },
    more: cursor === null || isLoading ? null : () => void read(items ?? [], cursor),
    reload: () => setTurn((last) => last + 1),
  };
}
