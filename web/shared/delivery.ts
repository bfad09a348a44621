/** The life of a message that the customer sends, and its legal moves. */

export enum Delivery {
  /** In the outbox; not acknowledged. */
  Sending = "sending",
  /** Acknowledged: stored by the server, with a sequence number. */
  Sent = "sent",
  /** Refused, or unanswered for too long. */
  Failed = "failed",
}

const LEGAL: Record<Delivery, readonly Delivery[]> = {
  [Delivery.Sending]: [Delivery.Sent, Delivery.Failed],
  [Delivery.Sent]: [],
  // An acknowledgement may still arrive late.
  [Delivery.Failed]: [Delivery.Sending, Delivery.Sent],
};

export function mayMove(from: Delivery, to: Delivery): boolean {
  return LEGAL[from].includes(to);
}

/** Returns `to`; throws on a move that is not in the table. */
export function move(from: Delivery, to: Delivery): Delivery {
  if (!mayMove(from, to)) throw new Error(`delivery: got ${from} → ${to}; expected one of ${LEGAL[from].join(", ")}`);
  return to;
}
