// The Streamable HTTP of the SDK's first major version before a server: sessions, and events that are kept.
//
// Invariant: each session has a server, a transport and events of its own.

import { randomUUID } from "node:crypto";
import { peer } from "../driver.mjs";
import { Events, RETRY_MS } from "./events.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { createMcpExpressApp } = peer(`${SDK}/server/express.js`);
const { StreamableHTTPServerTransport } = peer(`${SDK}/server/streamableHttp.js`);

const HOST = "127.0.0.1";

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
