import { useEffect, useState } from "preact/hooks";

/** The part of the URL after `#`, as names. A host needs no rule for it. @returns such as `["users", "user_2Jx..."]` */
export function useRoute(): string[] {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((name) => name !== "")
    .map(decodeURIComponent);
}

/** The link to a page. */
export const hrefOf = (...names: string[]) => `#/${names.map(encodeURIComponent).join("/")}`;
