// The events of one session of Streamable HTTP, kept for a client that comes back.
//
// Invariant: an id names its stream, so that nobody is sent what was on another one.

/** When a client is told to come back after the end of a stream. */
export const RETRY_MS = 100;

/** What was sent, in that order: an event store as both major versions of the SDK ask for it. */
export class Events {
  #sent = [];

  async storeEvent(streamId, message) {
    const id = `${streamId}_${this.#sent.length}`;
    this.#sent.push({ id, streamId, message });
    return id;
  }

  /** Sends again what followed on the stream of that event, and names the stream. */
  async replayEventsAfter(lastId, { send }) {
    const at = this.#sent.findIndex(({ id }) => id === lastId);
    if (at < 0) throw new Error(`there is no event ${lastId}`);
    const { streamId } = this.#sent[at];
    const rest = this.#sent.slice(at + 1).filter((event) => event.streamId === streamId);
    for (const { id, message } of rest) await send(id, message);
    return streamId;
  }
}
