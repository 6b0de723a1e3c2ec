// The TypeScript client 2.x in its three ways to settle the era, over Streamable HTTP or stdio; `sse` is legacy over
// HTTP+SSE. `modern` pins 2026-07-28 and fails on a server that does not offer it. Options: `driver.mjs`.

import { drive, options, peer } from "./driver.mjs";
import { session } from "./sdk.mjs";

const SDK = "@modelcontextprotocol/client";
const { Client, SSEClientTransport, StreamableHTTPClientTransport } = peer(SDK);
const { StdioClientTransport } = peer(`${SDK}/stdio`);
const { version } = peer("./node_modules/@modelcontextprotocol/client/package.json");

const { url, command, args, env, mode, calls } = options(["auto", "legacy", "modern", "sse"]);
const negotiation = { modern: { pin: "2026-07-28" }, sse: "legacy" };
const client = new Client(
  { name: "peer-ts2", version },
  { versionNegotiation: { mode: negotiation[mode] ?? mode } },
);
const OverHttp = mode === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const transport = url
  ? new OverHttp(new URL(url))
  : new StdioClientTransport({ command, args, env });

await drive(`ts2-${mode}`, `${SDK} ${version}`, calls, session({
  client,
  transport,
  protocolVersion: () => client.getNegotiatedProtocolVersion(),
  callTool: (params, limits) => client.callTool(params, limits),
}));
