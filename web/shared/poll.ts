/**
 * The widget's socket over plain HTTP, for networks that block WebSockets: a `Wire` like theirs, made of requests.
 * One request waits for news all the time; what is sent goes out in requests of its own, in order.
 */

import type { Wire } from "./line";
import type { ClientMessage, Entry, Hello, ServerMessage, Welcome } from "./protocol";

/** Asks the server; tests bring their own. Throws when there is no answer. */
export type Ask = (body: object, stop: AbortSignal) => Promise<{ status: number; frames: ServerMessage[] }>;

const WAIT_SECONDS = 25;
/** The code of a socket that ended without saying why. */
const LOST = 1006;

export function askOver(url: string): Ask {
  return async (body, stop) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: stop,
    });
    const frames = answer.ok ? ((await answer.json()) as { frames: ServerMessage[] }).frames : [];
    return { status: answer.status, frames };
  };
}

export class PollWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  private hello: Hello | null = null;
  private readonly waiting: ClientMessage[] = [];
  private sending = false;
  private readonly ending = new AbortController();

  constructor(private readonly ask: Ask) {
    queueMicrotask(() => this.onopen?.());
  }

  send(text: string): void {
    const frame = JSON.parse(text) as ClientMessage;
    if (frame.type === "hello") {
      this.hello = frame;
      void this.listen();
    } else if (frame.type !== "seen") {
      this.waiting.push(frame);
      void this.flush();
    }
  }

  close(): void {
    this.ending.abort();
  }

  private get open(): boolean {
    return !this.ending.signal.aborted;
  }

  /** Greets, then waits for news again and again. */
  private async listen(): Promise<void> {
    for (let wait = 0; this.open; wait = WAIT_SECONDS) {
      const named = this.hello!.conversation;
      const frames = await this.exchange([], wait);
      if (!frames) return;
      // Each answer begins with a welcome; it is news only where it names another conversation.
      const known = (frame: ServerMessage): boolean => frame.type === "welcome" && frame.conversation === named && wait > 0;
      for (const frame of frames) if (!known(frame)) this.hear(frame);
      if (wait === 0) void this.flush();
    }
  }

  private async flush(): Promise<void> {
    if (this.sending || !this.hello?.conversation) return;
    this.sending = true;
    while (this.waiting.length && this.open) {
      const frames = (await this.exchange(this.waiting.splice(0, 20), 0)) ?? [];
      if (frames.some((frame) => frame.type === "error" && frame.code === "foreign")) {
        this.lose();
        break;
      }
      // Entries come by the request that waits, or the order could change.
      for (const frame of frames) if (frame.type === "ack" || frame.type === "error") this.hear(frame);
    }
    this.sending = false;
  }

  private async exchange(frames: ClientMessage[], wait: number): Promise<ServerMessage[] | null> {
    try {
      const answer = await this.ask({ hello: this.hello, frames, wait }, this.ending.signal);
      if (answer.status === 200) return this.open ? answer.frames : null;
    } catch (error) {
      if (!this.open) return null;
      console.warn("careline: no answer; trying again.", error);
    }
    this.lose();
    return null;
  }

  /** Ends like a socket that broke: the line comes back and says hello again. */
  private lose(): void {
    if (!this.open) return;
    this.ending.abort();
    this.onclose?.({ code: LOST });
  }

  private hear(frame: ServerMessage): void {
    if (frame.type === "welcome") this.resume(frame);
    if (frame.type === "entry") this.seen(frame);
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  private resume(welcome: Welcome): void {
    const { conversation, token } = welcome;
    const last_seq = conversation === this.hello!.conversation ? (this.hello!.last_seq ?? 0) : 0;
    this.hello = { ...this.hello!, conversation, token, last_seq };
  }

  private seen(entry: Entry): void {
    this.hello = { ...this.hello!, last_seq: Math.max(entry.seq, this.hello!.last_seq ?? 0) };
  }
}
