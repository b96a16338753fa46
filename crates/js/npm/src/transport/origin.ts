/** The connections to one origin: which one serves a request, and when another is opened. */

import { maxHeaderSize } from "node:http";
import { performance } from "node:perf_hooks";
import type { TLSSocket } from "node:tls";

import buildConnector from "undici/lib/core/connect.js";
import Client from "undici/lib/dispatcher/client.js";

import { doAt, type Visit } from "../visit.ts";
import type { DispatchOptions, Dispatcher, Handler } from "./dispatch.ts";
import { Http2Connection, STREAMS_MAX } from "./http2.ts";
import { batchOf, Openings } from "./openings.ts";
import { Staleness } from "./staleness.ts";

/** What became of a request: it was answered, or broke off, by whose wish ever; or was lost before a word of an
 * answer came, by nobody's. */
export type Fate = "answered" | "broken" | "unheard";

/** A handler that is told of its connection, and tells when it needs it no longer. */
export interface Rider extends Handler {
  /** Whether it was taken back. */
  readonly isClosed: boolean;
  /** Where its call was made. */
  readonly visit: Visit | undefined;
  board(origin: Origin, reused: boolean, leave: (fate: Fate) => void): void;
  /** Its connection is a new one after all. */
  renew(): void;
}

/** Where half the connections have brought an answer since more were allowed the last time, and this
 * process has had nothing to do for less than so much of that time, more would not be served any
 * sooner: */
const IDLE_SHARE = 0.5;

/** then no more are opened for so many milliseconds. */
const HOLD_MS = 50;

/** How much the head of an answer may hold over HTTP/1.1, unless Node was told of more (`--max-http-header-size`):
 * what Node takes over HTTP/2. Gateways that add fields come beyond Node's usual 16 KiB, where an answer would be
 * lost that has been paid for. */
const HEAD_BYTES_MAX = Math.max(64 << 10, maxHeaderSize);

/** How long a connection may take to open, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

interface Job {
  /** How many came before. */
  readonly turn: number;
  readonly options: DispatchOptions;
  readonly rider: Rider;
}

interface Slot {
  readonly client: { readonly closed: boolean; close(): Promise<void> };
  send(job: Job): void;
  /** Requests under way. */
  busy: number;
  /** How many there may be: more than one over HTTP/2. */
  capacity: number;
  served: number;
  /** When it was last left, and how long it was idle before the latest request. */
  freeSince: number;
  idle: number;
  /** Who is said to have reused the connection, while under way there over HTTP/1.1. */
  rider?: Rider | undefined;
}

export class Origin {
  opened = 0;
  open = 0;
  reused = 0;
  readonly #name: string;
  readonly #target: object;
  /** Slots with room, the latest used last. */
  readonly #free: Slot[] = [];
  readonly #slots = new Set<Slot>();
  readonly #staleness = new Staleness();
  readonly #waiting: Job[] = [];
  #first = 0;
  #turns = 0;
  readonly #openings = new Openings(() => this.#serveSoon());
  /** Whether the origin speaks HTTP/2; unknown until the first connection over TLS is open. */
  #isHttp2: boolean | undefined;
  /** Requests that one HTTP/2 connection takes, as far as is known. */
  #streams = STREAMS_MAX;
  #isClosed = false;
  /** Whether those who wait are about to be served. */
  #isServing = false;
  /** Answers so far. */
  #answers = 0;
  /** How many more may be opened before that is thought over; and how things stood the last time. */
  #allowed = 0;
  #then = standing(0, 0);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string) {
    this.#name = name;
    this.#target = targetOf(name);
    if (name.startsWith("http:")) this.#isHttp2 = false;
  }

  dispatch(options: DispatchOptions, rider: Rider): void {
    this.#waiting.push({ turn: this.#turns, options, rider });
    this.#turns += 1;
    this.#serveSoon();
  }

  /** Closes every connection as soon as nobody needs it: calls of clients that share them may be under
   * way, or wait for one. */
  close(): void {
    this.#isClosed = true;
    this.#serve();
  }

  /** What its connections speak, once one has been open. */
  get protocol(): string | undefined {
    if (this.opened === 0) return undefined;
    return this.#isHttp2 ? "h2" : "http/1.1";
  }

  #slotWithRoom(now: number): Slot | undefined {
    let slot = this.#free.at(-1);
    while (slot !== undefined && !this.#hasRoom(slot, now)) {
      this.#free.pop();
      slot = this.#free.at(-1);
    }
    return slot;
  }

  #hasRoom(slot: Slot, now: number): boolean {
    if (!this.#slots.has(slot) || slot.client.closed || slot.busy >= slot.capacity) return false;
    const isStale = slot.capacity === 1 && this.#staleness.covers(now - slot.freeSince, now);
    if (isStale) this.#drop(slot);
    return !isStale;
  }

  /** A new connection, where one may be opened. Over TLS it serves once it has told which protocol it
   * speaks; the first one tells it of all. */
  #grow(): Slot | undefined {
    if (!this.#hasRoomToOpen() || !this.#isAllowed()) return undefined;
    const opened = this.#openings.begin();
    if (this.#isHttp2 === false) return this.#add(this.#http1({ opened }));
    const last = this.#waiting.at(-1);
    connectors.any(this.#target, (error, socket) => {
      if (error === null) {
        this.#welcome(socket, opened);
      } else {
        opened();
        this.#refuse(error, last, this.#wouldServe());
      }
      this.#serve();
    });
    return undefined;
  }

  #hasRoomToOpen(): boolean {
    if (this.#isHttp2 === undefined) return this.#openings.count === 0;
    // Each will serve many.
    const needed = this.#isHttp2 ? (this.#waiting.length - this.#first) / this.#streams : Infinity;
    return this.#openings.count < needed && this.#openings.hasRoom(this.open);
  }

  /** A connection that has just been opened. */
  #welcome(socket: TLSSocket, opened: () => void): void {
    const isHttp2 = socket.alpnProtocol === "h2";
    this.#isHttp2 ??= isHttp2;
    if (!isHttp2) opened();
    // Nothing else would ever end it.
    if (!isHttp2 && this.#nextAt() < 0) return void socket.destroy();
    const slot = isHttp2 ? this.#http2(socket, opened) : this.#http1({ socket });
    this.#add(slot);
    this.#connected(slot, socket);
  }

  #add(slot: Slot): Slot {
    this.#slots.add(slot);
    this.#free.push(slot);
    return slot;
  }

  /** It is open once the server has told how many requests it takes: of more at once than that it refuses
   * some. Until then it serves one. */
  #http2(socket: TLSSocket, opened: () => void): Slot {
    const client = new Http2Connection(this.#name, socket, {
      room: (streams) => {
        opened();
        const wasFull = slot.busy >= slot.capacity;
        this.#streams = slot.capacity = streams;
        if (wasFull && slot.busy < streams) this.#free.push(slot);
        this.#serveSoon();
      },
      full: () => {
        opened();
        this.#drop(slot);
        this.#serveSoon();
      },
    });
    const send = (job: Job): void => {
      client.dispatch(job.options, job.rider, () => this.#takeBack(slot, job));
    };
    const slot: Slot = { client, send, busy: 0, capacity: 1, served: 0, freeSince: Infinity, idle: 0 };
    return slot;
  }

  /** With a connection, if one is there already. */
  #http1({ socket, opened }: { socket?: TLSSocket | undefined; opened?: () => void }): Slot {
    const client = new Client(this.#name, {
      connect: (target: object, done: Connected) => {
        const ready = socket;
        socket = undefined;
        // Not at once: undici would not look again for what to send.
        if (ready !== undefined) return queueMicrotask(() => done(null, ready));
        // undici connects anew where a server closed the connection after its answer, and also for a request
        // that was taken back in the midst of its answer, which needs nothing more.
        if (opened === undefined && slot.busy === 0) return queueMicrotask(() => done(new Error("closed"), null));
        const over = opened ?? this.#openings.begin();
        opened = undefined;
        if (slot.rider !== undefined) this.reused -= 1;
        slot.rider?.renew();
        slot.idle = 0;
        slot.rider = undefined;
        const last = this.#waiting.at(-1);
        connectors.http1(target, (...outcome) => {
          const [error, connected] = outcome;
          over();
          if (error === null) this.#connected(slot, connected);
          else this.#drop(slot);
          done(...outcome);
          if (error !== null && this.open === 0) this.#refuse(error, last);
          this.#serve();
        });
      },
      headersTimeout: 0,
      maxHeaderSize: HEAD_BYTES_MAX,
      bodyTimeout: 0,
    }) as Slot["client"] & Dispatcher;
    const send = ({ options, rider }: Job): void => void client.dispatch(options, rider);
    const slot: Slot = { client, send, busy: 0, capacity: 1, served: 0, freeSince: Infinity, idle: 0 };
    return slot;
  }

  /** So many who wait learn that no connection came about, and nobody who came after `last`: one by one, as
   * connections may take their time to fail, the last of them would learn of it after minutes. */
  #refuse(error: Error, last: Job | undefined, most = Infinity): void {
    const at = this.#nextAt();
    if (at < 0) return;
    const before = last === undefined ? 0 : this.#waiting.indexOf(last) + 1;
    const count = Math.max(0, Math.min(most, before - at));
    for (const { rider } of this.#waiting.splice(at, count)) rider.onResponseError(null, error);
  }

  /** How many a connection serves that could not be opened. The first one tells all what they need, and where
   * none is open it is the same. */
  #wouldServe(): number {
    if (this.#isHttp2 === undefined || this.open === 0) return Infinity;
    return this.#isHttp2 ? this.#streams : 1;
  }

  /** Where whoever waits first stands in the line; -1 where nobody does. */
  #nextAt(): number {
    return this.#waiting.findIndex(({ rider }, index) => index >= this.#first && !rider.isClosed);
  }

  /** Takes leave to open one more connection, of the next that are allowed together. */
  #isAllowed(): boolean {
    if (this.#allowed === 0) {
      const now = standing(this.open, this.#answers);
      const passed = now.time - this.#then.time;
      const isFast = now.answers - this.#then.answers > this.#then.open / 2;
      const isBusy = now.idle - this.#then.idle < IDLE_SHARE * passed;
      // Nobody is served by none.
      if (isFast && isBusy && passed < HOLD_MS && this.#slots.size > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#serve();
        }, HOLD_MS);
        return false;
      }
      [this.#allowed, this.#then] = [this.#isHttp2 === undefined ? 1 : batchOf(this.open), now];
    }
    this.#allowed -= 1;
    return true;
  }

  #connected(slot: Slot, socket: TLSSocket): void {
    this.opened += 1;
    this.open += 1;
    socket.once("close", () => {
      this.open -= 1;
      this.#drop(slot);
      this.#serve();
    });
  }

  /** The slot takes no further requests: undici would connect it anew, past our bound. */
  #drop(slot: Slot): void {
    if (this.#slots.delete(slot)) void slot.client.close().catch(() => {});
  }

  #assign(slot: Slot, job: Job, now: number): void {
    const { rider } = job;
    const isReused = slot.served > 0;
    slot.idle = now - slot.freeSince;
    slot.busy += 1;
    slot.served += 1;
    if (slot.busy >= slot.capacity) this.#free.pop();
    if (isReused) this.reused += 1;
    if (isReused && slot.capacity === 1) slot.rider = rider;
    rider.board(this, isReused, (fate) => this.#release(slot, fate));
    doAt(rider.visit, () => slot.send(job));
  }

  #release(slot: Slot, fate: Fate): void {
    const now = performance.now();
    slot.freeSince = now;
    slot.busy -= 1;
    slot.rider = undefined;
    this.#answers += 1;
    // Over HTTP/1.1 what goes wrong with a request goes wrong with its connection.
    if (fate !== "answered" && slot.capacity === 1) this.#drop(slot);
    if (fate === "unheard" && slot.capacity === 1) this.#staleness.lost(slot.idle, now);
    if (this.#slots.has(slot) && slot.busy === slot.capacity - 1) this.#free.push(slot);
    this.#serveSoon();
  }

  /** Another connection may serve what this one has not, before all who came later. */
  #takeBack(slot: Slot, job: Job): void {
    slot.busy -= 1;
    slot.served -= 1;
    if (slot.served > 0) this.reused -= 1;
    let at = this.#first;
    while ((this.#waiting[at]?.turn ?? Infinity) < job.turn) at += 1;
    this.#waiting.splice(at, 0, job);
    this.#serveSoon();
  }

  /** Once all that has arrived is read: what is sent together costs less than what is sent one by one, for
   * each may wake whoever is at the other end. */
  #serveSoon(): void {
    if (this.#isServing || this.#waiting.length === 0) return;
    this.#isServing = true;
    setImmediate(() => {
      this.#isServing = false;
      this.#serve();
    });
  }

  /** Gives those who wait whatever room there is, and forgets who has been served. */
  #serve(): void {
    const now = performance.now();
    while (this.#first < this.#waiting.length) {
      const job = this.#waiting[this.#first] as Job;
      // Who was taken back meanwhile needs no connection.
      const slot = job.rider.isClosed ? undefined : (this.#slotWithRoom(now) ?? this.#grow());
      if (slot === undefined && !job.rider.isClosed) break;
      this.#first += 1;
      if (slot !== undefined) this.#assign(slot, job, now);
    }
    // Together with many others: a line is moved up no more often than it is joined.
    if (2 * this.#first < this.#waiting.length) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
    if (this.#isClosed && this.#waiting.length === 0) for (const slot of this.#slots) this.#drop(slot);
  }
}

interface Standing {
  /** The time, and for how much of it this process has had nothing to do, in milliseconds. */
  readonly time: number;
  readonly idle: number;
  readonly open: number;
  readonly answers: number;
}

function standing(open: number, answers: number): Standing {
  return { time: performance.now(), idle: performance.nodeTiming.idleTime, open, answers };
}

type Connected = (...outcome: [error: Error, socket: null] | [error: null, socket: TLSSocket]) => void;

type Connector = (target: object, done: Connected) => void;

/** One of each for all origins, so that their sessions are resumed. */
const connectors = {
  any: buildConnector({ allowH2: true, timeout: CONNECT_TIMEOUT_MS }) as Connector,
  http1: buildConnector({ allowH2: false, timeout: CONNECT_TIMEOUT_MS }) as Connector,
};

/** Where a connection to an origin leads. */
function targetOf(origin: string): object {
  const { protocol, host, hostname, port } = new URL(origin);
  return { protocol, host, port, hostname: hostname.replace(/^\[(.*)\]$/, "$1") };
}
