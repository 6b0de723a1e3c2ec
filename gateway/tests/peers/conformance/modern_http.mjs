// The Streamable HTTP of the SDK's second major version before a server of both eras.
//
// Invariant: a modern request has a server of its own and no session; a legacy session has a server, a transport and
// events of its own.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { peer } from "../driver.mjs";
import { Events, RETRY_MS } from "./events.mjs";

const sdk = peer("@modelcontextprotocol/server");
const node = peer("@modelcontextprotocol/node");

const HOST = "127.0.0.1";

/** Answers the requests of legacy sessions. */
function sessions(open) {
  const transports = new Map();

  async function begin() {
    const transport = new sdk.WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new Events(),
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => void transports.set(id, transport),
      onsessionclosed: (id) => void transports.delete(id),
    });
    await open({ era: "legacy" }).connect(transport);
    return transport;
  }

  return async (request) => {
    const id = request.headers.get("mcp-session-id");
    const transport = id === null ? await begin() : transports.get(id);
    if (transport) return transport.handleRequest(request);
    const error = { code: -32001, message: "Session not found" };
    return Response.json({ jsonrpc: "2.0", id: null, error }, { status: 404 });
  };
}

/** Serves until stdin ends. `open` makes the server of one session or one request. */
export async function serve(open, port) {
  const modern = sdk.createMcpHandler((context) => open(context, modern.notify), { legacy: "reject" });
  const legacy = sessions(open);
  const fetch = async (request) => ((await sdk.isLegacyRequest(request)) ? legacy(request) : modern.fetch(request));

  const guards = [node.localhostHostValidation(), node.localhostOriginValidation()];
  const answer = node.toNodeHandler({ fetch });
  const listener = createServer((request, response) => {
    if (guards.every((allows) => allows(request, response))) void answer(request, response);
  });
  listener.listen(port, HOST, () => {
    process.stdout.write(`http://${HOST}:${listener.address().port}/mcp\n`);
  });
  process.stdin.on("end", () => process.exit(0)).resume();
}
