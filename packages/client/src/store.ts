import { oneAtATime } from "./sequence.ts";

/**
 * Stores tokens and the code verifiers of requested links as strings by name. All values are secret. Implement this interface
 * for another storage, such as Electron's safeStorage. An error that a method throws is thrown to the caller of the client.
 */
export interface Store {
  /** The value, or null if there is none. Throw if the storage can't be read now: null means that no user is signed in. */
  get(name: string): string | null | Promise<string | null>;
  /** Replaces the whole value. Throw if it was not stored, and keep the previous value then. */
  set(name: string, value: string): void | Promise<void>;
  delete(name: string): void | Promise<void>;
  /**
   * Runs work while no other client of the same store runs work. Without a lock, two clients may refresh at the same time,
   * which Nest allows, and a client still does not overwrite newer tokens that it sees. If the lock is not granted within
   * the client's `timeoutMs`, the client works without it.
   */
  lock?: (<Value>(work: () => Promise<Value>) => Promise<Value>) | undefined;
  /**
   * Calls `changed` when another client has changed the store, and returns a function that ends this. Without `watch`,
   * `onSessionChange` notices such a change at the next call of this client.
   */
  watch?: ((changed: () => void) => () => void) | undefined;
}

/** A store in memory. Several clients may share it. */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: (name) => values.get(name) ?? null,
    set: (name, value) => void values.set(name, value),
    delete: (name) => void values.delete(name),
    lock: oneAtATime(),
  };
}

/** The methods of `localStorage` that the client uses. */
export interface StringStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

interface Locks {
  request<Value>(name: string, work: () => Promise<Value>): Promise<Value>;
}

type StorageListener = (event: { key: string | null }) => void;

/** What the client uses of a browser. Node and the main process of Electron lack it. */
interface BrowserGlobals {
  navigator?: { locks?: Locks };
  addEventListener?(type: "storage", listener: StorageListener): void;
  removeEventListener?(type: "storage", listener: StorageListener): void;
}

/**
 * A store in `localStorage`, which the tabs of an origin share, or in `sessionStorage`. Every script of the page can read it.
 * @param prefix is prepended to each name
 */
export function webStore(storage: StringStorage, prefix = "nest."): Store {
  // Web Locks exist only in secure contexts of browsers. A tab may see what another tab wrote only after it has the lock, so
  // two tabs may still refresh at the same time, which Nest allows.
  const browser = globalThis as BrowserGlobals;
  const { locks } = browser.navigator ?? {};
  return {
    get: (name) => storage.getItem(prefix + name),
    set: (name, value) => storage.setItem(prefix + name, value),
    delete: (name) => storage.removeItem(prefix + name),
    lock: locks && ((work) => locks.request(`${prefix}lock`, work)),
    watch(changed) {
      // The key is null if the other tab has cleared the whole storage.
      const listen: StorageListener = ({ key }) => void ((key ?? prefix).startsWith(prefix) && changed());
      browser.addEventListener?.("storage", listen);
      return () => browser.removeEventListener?.("storage", listen);
    },
  };
}
