// One debate over its connection: its state, the commands sent, what is announced, and how far the reader is.
// It knows nothing of the elements that draw it.

import { Commands } from "../client/commands.ts";
import { Connection, type ConnectionState } from "../client/connection.ts";
import { type Link, type Page, canAnswer } from "../client/page-data.ts";
import { TabNotices, askToNotify } from "../attention/notifications.ts";
import { watchVisibility } from "../attention/page-visibility.ts";
import type { ReadPosition } from "../attention/read-position.ts";
import type { Ending } from "../protocol/close-codes.ts";
import type { Complete, Frame, Mode, StreamState } from "../protocol/events.gen.ts";
import { reduce } from "../protocol/reducer.ts";
import { type LogEvent, type State, isTerminal, seqBefore } from "../protocol/state.ts";
import { post, webSocketUrl } from "../shared/http.ts";
import { type Banner, withBanner } from "../transcript/banners.ts";
import { announcements } from "./announcements.ts";
import { newsOf } from "./news.ts";

export class DebateSession {
  readonly page: Page;
  readonly commands: Commands;
  readonly position: ReadPosition;
  readonly notices: TabNotices;
  connectionState: ConnectionState = "connecting";
  ending: Ending | null = null;
  banners: readonly Banner[] = [];
  /** The debates that follow this one, those included that were started from this page. */
  followedBy: readonly Link[];

  #openedAt = performance.now();
  #changed: () => void;
  #connection: Connection;
  #announcements: string[] = [];
  /** What the page shows: the state of all events received, but not while the log up to `#history` still arrives, whose
   * states are past. */
  #shown: State;
  /** The log's head when this page last connected, infinite before it is known. Only later events are announced. */
  #history: number;
  /** The log's head when the page was opened. Only later events are news. */
  #openedAtHead: number | null = null;
  /** How far the server's clock is ahead of this one, in milliseconds. */
  #clockOffset = 0;
  /** When a frame last arrived, by the wall clock, and the milliseconds of silence after which the connection counts as
   * lost. */
  #receivedAt = Date.now();
  #patience = 0;

  /** `changed` is called whenever there is something new to draw. */
  constructor(page: Page, position: ReadPosition, changed: () => void) {
    this.page = page;
    this.followedBy = page.followedBy;
    this.position = position;
    this.notices = new TabNotices(page.apiUrl);
    this.#changed = changed;
    this.#connection = new Connection(webSocketUrl(page.wsUrl), {
      event: (event, before) => this.#receive(event, before),
      aside: (frame) => this.#receiveAside(frame),
      state: (state, ending) => {
        this.connectionState = state;
        this.ending = ending;
        if (state === "closed") this.#shown = this.#connection.conversation;
        this.#updatePosition();
      },
    });
    this.#shown = this.#connection.conversation = reduce(page.events);
    this.#history = page.events.length === 0 ? Infinity : this.head;
    this.commands = new Commands(
      (frame) => this.#connection.send(frame),
      (path, body) => post(page.apiUrl + path, body),
      changed,
    );
  }

  /** Watches the debate until `signal` aborts. */
  start(signal: AbortSignal): void {
    if (this.page.isSample) this.connectionState = "closed";
    else this.#connection.start();
    const visibility = {
      changed: () => {
        this.notices.update();
        this.#updatePosition();
      },
      doubt: () => this.#connection.wake(),
      revived: () => this.#connection.renew(),
    };
    watchVisibility(visibility, signal);
    signal.addEventListener("abort", () => {
      this.#connection.stop();
      this.commands.stop();
    });
  }

  get state(): State {
    return this.#shown;
  }

  get complete(): Complete | null {
    return this.state.complete ?? this.page.complete;
  }

  get stream(): StreamState {
    return this.#connection.stream;
  }

  get mode(): Mode {
    return this.state.mode ?? this.page.mode;
  }

  get isOver(): boolean {
    return isTerminal(this.state.status);
  }

  get isOffline(): boolean {
    return !navigator.onLine;
  }

  get isStale(): boolean {
    return !this.isOver && (this.connectionState === "reconnecting" || this.connectionState === "closed");
  }

  get isCutOff(): boolean {
    return this.isStale && (this.isOffline || this.connectionState === "closed");
  }

  get now(): number {
    return (this.isStale ? this.#receivedAt : Date.now()) + this.#clockOffset;
  }

  get age(): number {
    return this.page.age * 1000 + performance.now() - this.#openedAt;
  }

  resumeLive(): void {
    this.position.follow();
    this.dismissMissed();
  }

  /** The id of a question that waits for the person at this page, or null. */
  get openRequest(): string | null {
    if (this.isOver || !canAnswer(this.page)) return null;
    return this.state.requests.find(({ state }) => state === "open")?.request ?? null;
  }

  /** The sentences that have not been announced yet, each once; null if there are none. */
  takeAnnouncements(): string | null {
    return this.#announcements.length === 0 ? null : this.#announcements.splice(0).join(" ");
  }

  dismissBanner(id: number): void {
    this.banners = this.banners.filter((banner) => banner.id !== id);
    this.#changed();
  }

  addFollower(link: Link): void {
    this.followedBy = [...this.followedBy, link];
    this.#changed();
  }

  /** Asks the browser to allow notifications; the press of a button has to be the cause. */
  async askToNotify(): Promise<void> {
    await askToNotify();
    this.#changed();
  }

  dismissMissed(): void {
    this.position.missed = null;
    this.#changed();
  }

  get head(): number {
    return this.state.head;
  }

  painted(seq: number): void {
    this.#connection.painted(seq);
  }

  #receive(event: LogEvent, before: State): void {
    this.#receivedAt = Date.now();
    this.commands.update(before, this.#connection.conversation);
    // Received is all that the server waits for here.
    if (event.seq < this.#history) return this.painted(event.seq);
    this.#shown = this.#connection.conversation;
    if (event.seq > this.#history) {
      this.#announcements.push(...announcements(before, this.state, canAnswer(this.page)));
    }
    const news = this.#openedAtHead !== null && event.seq > this.#openedAtHead ? newsOf(before, this.state, this.page) : null;
    if (news !== null) this.notices.tell(news);
    if (document.hidden) this.painted(event.seq);
    if (seqBefore(event) < this.#history && event.seq >= this.#history) this.#updatePosition();
    this.#changed();
  }

  #receiveAside(frame: Frame): void {
    this.#receivedAt = Date.now();
    switch (frame.type) {
      case "hello":
        this.#openedAtHead ??= frame.data.head;
        this.#history = this.#history === Infinity ? frame.data.head : Math.max(this.#history, frame.data.head);
        this.#patience = 1.5 * frame.data.heartbeat_seconds * 1000;
        this.#clockOffset = Date.parse(frame.at) - Date.now();
        this.commands.connected();
        break;
      case "heartbeat":
        this.commands.connected();
        return;
      case "notice":
        this.banners = withBanner(this.banners, frame.data.text, "notice");
        break;
      case "error":
        if (this.commands.refused(frame.data)) break;
        this.banners = withBanner(this.banners, frame.data.message, "refusal");
        break;
    }
    this.#changed();
  }

  /** The tab was shown or hidden, the connection changed, or the page has caught up with the log. */
  #updatePosition(): void {
    const isCaughtUp = this.connectionState === "live" && this.head >= this.#history;
    const situation = {
      isHidden: document.hidden,
      isCurrent: isCaughtUp || this.connectionState === "closed",
      receivedAt: this.#receivedAt,
      patience: this.#patience,
    };
    const sentence = this.position.update(situation, this.state);
    if (sentence !== null) this.#announcements.push(sentence);
    if (document.hidden) this.painted(this.head);
    this.#changed();
  }
}
