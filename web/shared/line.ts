/** A WebSocket that comes back: exponential back-off with jitter, at once when the browser is online again. */

export type Link = "idle" | "connecting" | "online" | "waiting";

/** What the line needs from a browser; tests bring their own. */
export interface Surroundings {
  open(url: string): Wire;
  /** The same over plain HTTP, where there is such a way. */
  poll?(): Wire;
  later(seconds: number, call: () => void): () => void;
  random(): number;
}

/** The part of a WebSocket that is used. */
export interface Wire {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(frame: string): void;
  close(): void;
}

export interface LineHandlers {
  /** The socket is open: say hello. */
  opened(): void;
  frame(message: unknown): void;
  link(link: Link): void;
  /** True: this close code is final, do not come back. */
  final?(code: number): boolean;
}

const FIRST_WAIT = 0.5;
const LONGEST_WAIT = 15;

/** After so many sockets in a row that never opened, the network is taken to block them. */
const BLOCKED_AFTER = 2;

export const browser: Surroundings = {
  open: (url) => new WebSocket(url) as unknown as Wire,
  later: (seconds, call) => {
    const timer = setTimeout(call, seconds * 1000);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** Seconds before try number `tries` (from 0): doubling from half a second to 15, each between 50 % and 100 % of it. */
export function backOff(tries: number, random: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(tries, 10)) * (0.5 + random / 2);
}

export class Line {
  private wire: Wire | null = null;
  private tries = 0;
  private blocked = 0;
  private cancelWait: (() => void) | null = null;
  private state: Link = "idle";

  constructor(
    private readonly url: string,
    private readonly handlers: LineHandlers,
    private readonly around: Surroundings = browser,
  ) {}

  get link(): Link {
    return this.state;
  }

  start(): void {
    if (this.wire || this.state === "connecting") return;
    this.cancelWait?.();
    this.cancelWait = null;
    this.turn("connecting");
    const polled = this.blocked >= BLOCKED_AFTER && this.around.poll;
    const wire = polled ? polled() : this.around.open(this.url);
    this.wire = wire;
    let opened = false;
    wire.onopen = () => {
      opened = true;
      this.handlers.opened();
    };
    wire.onmessage = (event) => this.receive(event.data);
    wire.onclose = (event) => {
      // A way that never opened counts; one that opened is known to work, and after a poll sockets are tried again.
      this.blocked = opened || polled ? 0 : this.blocked + 1;
      if (this.wire === wire) this.closed(event.code);
    };
  }

  /** The handshake is done: later trouble starts counting from the first try again. */
  settled(): void {
    this.tries = 0;
    this.turn("online");
  }

  /** Sends if the socket is open; false means it was not and nothing left. */
  send(message: object): boolean {
    if (!this.wire || (this.state !== "online" && this.state !== "connecting")) return false;
    try {
      this.wire.send(JSON.stringify(message));
      return true;
    } catch {
      // Between `close` and its event a socket refuses; the caller keeps what it wanted to send.
      return false;
    }
  }

  /** Tries at once instead of waiting; does nothing while connected. */
  hurry(): void {
    if (this.state === "waiting") this.start();
  }

  /** Drops the socket and connects anew at once: it is silent, or the handshake has to be said again. */
  restart(): void {
    this.release();
    this.state = "idle";
    this.start();
  }

  stop(): void {
    this.cancelWait?.();
    this.cancelWait = null;
    this.release();
    this.turn("idle");
  }

  private release(): void {
    const wire = this.wire;
    this.wire = null;
    if (!wire) return;
    wire.onopen = wire.onmessage = wire.onclose = null;
    wire.close();
  }

  private closed(code: number): void {
    this.wire = null;
    if (this.handlers.final?.(code)) {
      this.turn("idle");
      return;
    }
    this.turn("waiting");
    this.cancelWait = this.around.later(backOff(this.tries++, this.around.random()), () => this.start());
  }

  private receive(data: unknown): void {
    if (typeof data !== "string") return;
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch (error) {
      console.error("careline: a frame that is not JSON was ignored.", error);
      return;
    }
    this.handlers.frame(message);
  }

  private turn(link: Link): void {
    if (this.state === link) return;
    this.state = link;
    this.handlers.link(link);
  }
}

/** Address of a socket next to this page's own server. */
export function socketUrl(path: string, base: string = location.href): string {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
