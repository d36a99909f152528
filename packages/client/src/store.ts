/**
 * Where a client keeps tokens and the secrets of links that are under way: strings by name. A store of your own, say
 * over Electron's safeStorage, needs no more than this. What is in it is secret.
 */
export interface Store {
  get(name: string): string | null | Promise<string | null>;
  set(name: string, value: string): void | Promise<void>;
  delete(name: string): void | Promise<void>;
  /**
   * Runs work while no other client of the same store does. Where it is missing, a client still never overwrites newer
   * tokens that it sees, and Nest forgives two refreshes at once.
   */
  lock?<Value>(work: () => Promise<Value>): Promise<Value>;
}

/** Runs works one after another. */
export function oneAtATime(): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Forgets everything with the process. Several clients may share one. */
export function memoryStore(): Store {
  const values = new Map<string, string>();
  return {
    get: (name) => values.get(name) ?? null,
    set: (name, value) => void values.set(name, value),
    delete: (name) => void values.delete(name),
    lock: oneAtATime(),
  };
}

/** The parts of localStorage that are used. */
export interface StringStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

interface Locks {
  request<Value>(name: string, work: () => Promise<Value>): Promise<Value>;
}

/**
 * Keeps things in `localStorage`, which the tabs of an origin share, or `sessionStorage`. Any script of the page can read
 * them.
 * @param prefix goes before each name
 */
export function webStore(storage: StringStorage, prefix = "nest."): Store {
  // Only browsers lock across tabs, and only where the page came safely. What one tab wrote another may see a moment
  // after it has the lock, so two tabs may still refresh at once, which Nest forgives.
  const { locks } = (globalThis as { navigator?: { locks?: Locks } }).navigator ?? {};
  return {
    get: (name) => storage.getItem(prefix + name),
    set: (name, value) => storage.setItem(prefix + name, value),
    delete: (name) => storage.removeItem(prefix + name),
    ...(locks ? { lock: (work) => locks.request(`${prefix}lock`, work) } : {}),
  };
}
