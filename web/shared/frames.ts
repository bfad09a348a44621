/** What the shop's page and the widget's frame say to each other. Both check origin and source, and name their target. */

export type ToWidget =
  | { careline: "open" }
  | { careline: "closed" }
  | { careline: "language"; language: string }
  | { careline: "draft"; text: string }
  | { careline: "identity"; identity: string | null };

export type ToPage =
  | { careline: "ready" }
  | { careline: "close" }
  | { careline: "known" }
  | { careline: "language"; language: string }
  | { careline: "unidentified" }
  | { careline: "unread"; count: number };

/** Listens to one window of one origin; everything else is dropped. Returns the way to stop. */
export function listenTo<T extends { careline: string }>(
  source: () => Window | null,
  origin: string,
  heard: (message: T) => void,
): () => void {
  const listen = (event: MessageEvent<unknown>): void => {
    if (event.origin !== origin || event.source === null || event.source !== source()) return;
    const { data } = event;
    if (typeof data === "object" && data !== null && typeof (data as T).careline === "string") heard(data as T);
  };
  addEventListener("message", listen);
  return () => removeEventListener("message", listen);
}
