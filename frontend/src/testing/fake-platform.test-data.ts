// A network and a clock that tests control.

import type { Socket } from "../client/connection.ts";
import type { Frame } from "../protocol/events.gen.ts";
import type { Platform } from "../client/platform.ts";

export class FakeSocket implements Socket {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = 1;
  closed = false;
  /** What the page sent. */
  readonly sent: unknown[] = [];
  readonly after: number;

  constructor(url: string) {
    this.after = Number(new URL(url, "ws://test").searchParams.get("after"));
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  deliver(...frames: Frame[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  hangUp(code: number): void {
    this.closed = true;
    this.readyState = 3;
    this.onclose?.({ code });
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }
}

export class FakePlatform implements Platform {
  time = 0;
  chance = () => 0.5;
  sockets: FakeSocket[] = [];
  #timers: { at: number; action: () => void }[] = [];

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  open = (url: string): Socket => {
    this.sockets.push(new FakeSocket(url));
    return this.socket;
  };
  now = () => this.time;
  random = () => this.chance();
  later = (milliseconds: number, action: () => void) => {
    const timer = { at: this.time + milliseconds, action };
    this.#timers.push(timer);
    return () => void this.#timers.splice(this.#timers.indexOf(timer) >>> 0, 1);
  };

  pass(milliseconds: number): void {
    const until = this.time + milliseconds;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.time = due.at;
      due.action();
    }
    this.time = until;
  }
}
