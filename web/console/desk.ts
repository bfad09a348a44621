/** An agent's desk: the inbox and the conversation on it, kept live over the console's socket. */

import { browser, Line, type Link, type Surroundings } from "../shared/line";
import type { ConsoleUpdate, Entry, Row, Summary } from "../shared/protocol";
import { insert, lastSeq } from "../shared/view";
import { api, ApiError } from "./api";

export interface DeskView {
  link: Link;
  rows: ReadonlyMap<string, Row>;
  /** False until the first rows came or none were there. */
  listed: boolean;
  chosen: string | null;
  entries: readonly Entry[];
  summary: Summary | null;
  loading: boolean;
  /** Conversations whose customer types at this moment. */
  typing: ReadonlySet<string>;
  problem: string | null;
}

const TYPING_SECONDS = 6;
const TYPING_EVERY = 3;
const SIGNED_OUT = 4401;

export class Desk {
  private current: DeskView = {
    link: "idle",
    rows: new Map(),
    listed: false,
    chosen: null,
    entries: [],
    summary: null,
    loading: false,
    typing: new Set(),
    problem: null,
  };
  private readonly listeners = new Set<(view: DeskView) => void>();
  private readonly line: Line;
  private readonly typingEnds = new Map<string, () => void>();
  private lastTyping = 0;

  constructor(
    url: string,
    private readonly signedOut: () => void,
    private readonly around: Surroundings = browser,
  ) {
    this.line = new Line(
      url,
      {
        opened: () => this.opened(),
        frame: (message) => this.receive(message as ConsoleUpdate),
        link: (link) => this.publish({ link }),
        final: (code) => {
          if (code === SIGNED_OUT) this.signedOut();
          return code === SIGNED_OUT;
        },
      },
      around,
    );
  }

  get view(): DeskView {
    return this.current;
  }

  subscribe(listener: (view: DeskView) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    this.line.start();
  }

  stop(): void {
    this.line.stop();
  }

  hurry(): void {
    this.line.hurry();
  }

  /** Puts a conversation on the desk, or clears it. */
  async choose(conversation: string | null): Promise<void> {
    if (conversation === this.current.chosen) return;
    this.publish({ chosen: conversation, entries: [], summary: null, loading: conversation !== null, problem: null });
    if (conversation === null) {
      this.line.send({ type: "watch", conversation: null });
      return;
    }
    await this.guard(async () => {
      const { row, entries, summary } = await api.transcript(conversation);
      if (this.current.chosen !== conversation) return;
      this.place(row);
      this.publish({ entries, summary, loading: false });
      this.watch();
    });
    if (this.current.chosen === conversation) this.publish({ loading: false });
  }

  take(conversation: string): Promise<boolean> {
    return this.guard(async () => this.place(await api.take(conversation)));
  }

  move(conversation: string, move: "handback" | "close"): Promise<boolean> {
    return this.guard(async () => this.place(await api.move(conversation, move)));
  }

  /** Stores a reply or note. The same `clientId` may be sent again: it is stored once. */
  write(conversation: string, kind: "reply" | "note", clientId: string, text: string): Promise<boolean> {
    return this.guard(async () => void (await api.write(conversation, kind, clientId, text)));
  }

  types(): void {
    const now = Date.now() / 1000;
    if (now - this.lastTyping < TYPING_EVERY) return;
    if (this.line.send({ type: "typing" })) this.lastTyping = now;
  }

  /** True when it worked; what went wrong is shown otherwise. */
  private async guard(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      this.publish({ problem: null });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) this.signedOut();
      else this.publish({ problem: error.message });
      return false;
    }
  }

  private opened(): void {
    this.line.settled();
    // The server sends every row first; with none there is nothing to wait for.
    this.around.later(1, () => this.publish({ listed: true }));
    this.watch();
  }

  private watch(): void {
    const { chosen, entries, loading } = this.current;
    if (chosen && !loading) this.line.send({ type: "watch", conversation: chosen, last_seq: lastSeq(entries) });
  }

  private receive(message: ConsoleUpdate): void {
    switch (message.type) {
      case "row":
        return this.place(message);
      case "watched":
        if (message.conversation !== this.current.chosen) return;
        if (message.entry.kind === "customer") this.stopsTyping(message.conversation);
        return this.publish({ entries: insert(this.current.entries, message.entry) });
      case "customer_typing":
        return this.customerTypes(message.conversation);
      case "error":
        return this.publish({ problem: message.message });
    }
  }

  private place(row: Row): void {
    const known = this.current.rows.get(row.conversation);
    // An answer to a request may be older than what the socket brought meanwhile.
    if (known && known.seq > row.seq) return;
    this.publish({ rows: new Map(this.current.rows).set(row.conversation, row), listed: true });
  }

  private customerTypes(conversation: string): void {
    this.typingEnds.get(conversation)?.();
    this.typingEnds.set(
      conversation,
      this.around.later(TYPING_SECONDS, () => this.stopsTyping(conversation)),
    );
    this.publish({ typing: new Set(this.current.typing).add(conversation) });
  }

  private stopsTyping(conversation: string): void {
    this.typingEnds.get(conversation)?.();
    this.typingEnds.delete(conversation);
    const typing = new Set(this.current.typing);
    if (typing.delete(conversation)) this.publish({ typing });
  }

  private publish(change: Partial<DeskView>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener(this.current);
  }
}

export type Tab = "waiting" | "mine" | "all";

/** The rows of a tab: those who wait longest first, else the newest activity first. */
export function rowsOf(tab: Tab, rows: ReadonlyMap<string, Row>, me: string): Row[] {
  const all = [...rows.values()];
  if (tab === "waiting")
    return all
      .filter((row) => row.state === "queued")
      .sort((one, other) => (one.waiting_since ?? one.active) - (other.waiting_since ?? other.active));
  const shown = tab === "mine" ? all.filter((row) => row.state === "agent" && row.agent === me) : all;
  return shown.sort((one, other) => other.active - one.active);
}
