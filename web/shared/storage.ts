/** Storage that never throws: a browser may refuse `localStorage` to a frame; then memory has to do. */

export interface Store {
  get<T>(key: string): T | null;
  set(key: string, value: unknown): void;
  remove(key: string): void;
  /** Calls back when another tab changes a key. Returns the way to stop. */
  watch(changed: (key: string) => void): () => void;
}

const PREFIX = "careline.";

export function openStore(): Store {
  try {
    const probe = `${PREFIX}probe`;
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    return shared(localStorage);
  } catch {
    // Refused (private window, third-party frame): the conversation lives as long as the page.
    return inMemory();
  }
}

function shared(storage: Storage): Store {
  return {
    get: (key) => parse(storage.getItem(PREFIX + key)),
    set: (key, value) => {
      try {
        storage.setItem(PREFIX + key, JSON.stringify(value));
      } catch (error) {
        console.warn(`careline: could not store ${key}; it is lost when the page closes.`, error);
      }
    },
    remove: (key) => storage.removeItem(PREFIX + key),
    watch: (changed) => {
      const listen = (event: StorageEvent): void => {
        if (event.key?.startsWith(PREFIX)) changed(event.key.slice(PREFIX.length));
      };
      addEventListener("storage", listen);
      return () => removeEventListener("storage", listen);
    },
  };
}

export function inMemory(): Store {
  const values = new Map<string, string>();
  return {
    get: (key) => parse(values.get(key) ?? null),
    set: (key, value) => void values.set(key, JSON.stringify(value)),
    remove: (key) => void values.delete(key),
    watch: () => () => undefined,
  };
}

function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    // Written by something else under our name: as good as absent.
    return null;
  }
}
