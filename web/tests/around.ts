/** A little real surrounding for the line: sockets that tests answer, and a clock that tests turn. */

import type { Surroundings, Wire } from "../shared/line";
import type { ClientMessage, Entry, ServerMessage, Welcome } from "../shared/protocol";

export class FakeWire implements Wire {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: ClientMessage[] = [];
  closed = false;

  send(frame: string): void {
    this.sent.push(JSON.parse(frame) as ClientMessage);
  }

  close(): void {
    this.closed = true;
  }

  say(message: ServerMessage | object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  drop(code = 1006): void {
    this.onclose?.({ code });
  }

  /** What was sent of one kind. */
  of<T extends ClientMessage["type"]>(type: T): Extract<ClientMessage, { type: T }>[] {
    return this.sent.filter((message): message is Extract<ClientMessage, { type: T }> => message.type === type);
  }
}

export class Around implements Surroundings {
  readonly wires: FakeWire[] = [];
  private timers: { at: number; call: () => void }[] = [];
  now = 0;
  luck = 1;

  get wire(): FakeWire {
    return this.wires.at(-1)!;
  }

  open(): Wire {
    const wire = new FakeWire();
    this.wires.push(wire);
    return wire;
  }

  later(seconds: number, call: () => void): () => void {
    const timer = { at: this.now + seconds, call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return this.luck;
  }

  /** Lets time pass; what is due happens in order. */
  pass(seconds: number): void {
    const until = this.now + seconds;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= until).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = next.at;
      next.call();
    }
    this.now = until;
  }
}

export function welcome(change: Partial<Welcome> = {}): Welcome {
  return {
    type: "welcome",
    conversation: "c1",
    token: "t1",
    seq: 0,
    state: "bot",
    shop: { name: "Shop", greeting: "Hello", hours: "", languages: ["en"], suggested: [], bot_notice: "" },
    ...change,
  };
}

export function entry(seq: number, change: Partial<Entry> = {}): Entry {
  return {
    type: "entry",
    seq,
    kind: "bot",
    text: `text ${seq}`,
    time: 1_790_000_000 + seq,
    author: { kind: "bot", name: "bot" },
    client_id: null,
    buttons: [],
    state: null,
    source: null,
    sources: [],
    why: null,
    suppressed: false,
    suggested: false,
    rates: null,
    rating: null,
    reason: "",
    ...change,
  };
}
