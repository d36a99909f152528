import { useLayoutEffect, useState } from "preact/hooks";

export { useCallback, useEffect, useState } from "preact/hooks";

/** The hook of React, without the rest of `preact/compat`, which the console does not use. */
export function useSyncExternalStore<Value>(
  subscribe: (changed: () => void) => () => void,
  read: () => Value,
) {
  const [value, setValue] = useState(read);
  useLayoutEffect(() => {
    const look = () => setValue(read);
    const end = subscribe(look);
    // The store may have changed since the render.
    look();
    return end;
  }, [subscribe, read]);
  return value;
}
