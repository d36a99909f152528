import type { ComponentChildren } from "preact";
import { Failure, Loading } from "#tools/console/page/parts.tsx";

interface ListProps<Item> {
  /** What `usePages` returned. */
  of: {
    items: Item[] | undefined;
    error: unknown;
    isLoading: boolean;
    more: (() => void) | null;
    reload: () => void;
  };
  /** Names the list to screen readers. */
  label: string;
  /** What an empty list says. */
  empty: string;
  children: (item: Item) => ComponentChildren;
}

/** A list that is read page by page. */
export function List<Item extends { id: string }>({ of, label, empty, children }: ListProps<Item>) {
  const { items, error, isLoading, more, reload } = of;
  return (
    <>
      {items && items.length > 0 && (
        <ul class="list" aria-label={label}>
          {items.map((item) => (
            <li key={item.id}>{children(item)}</li>
          ))}
        </ul>
      )}
      {items?.length === 0 && !more && !error && <p class="quiet">{empty}</p>}
      {error !== null && <Failure error={error} retry={reload} />}
      {isLoading && <Loading />}
      {more && (
        <button type="button" class="second small" onClick={more}>
          Show more
        </button>
      )}
    </>
  );
}
