// The SDK's own Streamable HTTP before a server: sessions, and events that are kept for those who come back.
//
// Invariant: each session has a server, a transport and events of its own.

import { randomUUID } from "node:crypto";
import { peer } from "../driver.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { createMcpExpressApp } = peer(`${SDK}/server/express.js`);
const { StreamableHTTPServerTransport } = peer(`${SDK}/server/streamableHttp.js`);

/** When a client is told to come back after the end of a stream. */
const RETRY_MS = 100;
const HOST = "127.0.0.1";

/** The events of one session in the order in which they were sent. */
class Events {
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

/** Serves until stdin ends. `open` makes the server of one session. */
export async function serve(open, port) {
  const sessions = new Map();

  async function begin() {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new Events(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => sessions.set(id, transport),
      onsessionclosed: (id) => sessions.delete(id),
    });
    await open().connect(transport);
    return transport;
  }

  const app = createMcpExpressApp({ host: HOST });
  app.all("/mcp", async (request, response) => {
    const id = request.headers["mcp-session-id"];
    const transport = id === undefined ? await begin() : sessions.get(id);
    if (transport) return transport.handleRequest(request, response, request.body);
    const error = { code: -32001, message: "Session not found" };
    return response.status(404).json({ jsonrpc: "2.0", id: null, error });
  });
  const listener = app.listen(port, HOST, () => {
    process.stdout.write(`http://${HOST}:${listener.address().port}/mcp\n`);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}
