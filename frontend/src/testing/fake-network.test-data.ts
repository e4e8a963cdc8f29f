// A network, a clock and chance that tests control.

import { vi } from "vitest";
import type { Frame } from "../protocol/events.gen.ts";

/** The part of the browser's WebSocket that is used. */
export class FakeSocket {
  static readonly OPEN = 1;

  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readyState = FakeSocket.OPEN;
  closed = false;
  /** What the page sent. */
  readonly sent: Record<string, unknown>[] = [];
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** The cursor that the page asked for. */
  get after(): number {
    return Number(new URL(this.url, "ws://test").searchParams.get("after"));
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  deliver(...frames: Frame[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  hangUp(code: number): void {
    this.close();
    this.onclose?.({ code });
  }

  close(): void {
    this.closed = true;
    this.readyState = 3;
  }
}

export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];

  /** Replaces the browser's WebSocket until vi.unstubAllGlobals(). */
  constructor() {
    const { sockets } = this;
    const opening = class extends FakeSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
    vi.stubGlobal("WebSocket", opening);
  }

  /** The newest. */
  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }
}
