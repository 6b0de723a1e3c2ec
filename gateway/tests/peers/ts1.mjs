// The TypeScript SDK 1.x: legacy era only, over Streamable HTTP, HTTP+SSE (`sse`) or stdio. Options: `driver.mjs`.

import { drive, options, peer } from "./driver.mjs";
import { session } from "./sdk.mjs";

const SDK = "@modelcontextprotocol/sdk";
const { Client } = peer(`${SDK}/client/index.js`);
const { SSEClientTransport } = peer(`${SDK}/client/sse.js`);
const { StreamableHTTPClientTransport } = peer(`${SDK}/client/streamableHttp.js`);
const { StdioClientTransport } = peer(`${SDK}/client/stdio.js`);
const { version } = peer("./node_modules/@modelcontextprotocol/sdk/package.json");

const { url, command, args, env, mode, calls } = options(["legacy", "sse"]);
const client = new Client({ name: "peer-ts1", version });
const OverHttp = mode === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const transport = url
  ? new OverHttp(new URL(url))
  : new StdioClientTransport({ command, args, env });

// The client tells the agreed revision to its transport and to nobody else.
let agreed;
const told = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (revision) => {
  agreed = revision;
  told?.(revision);
};

await drive(`ts1-${mode}`, `${SDK} ${version}`, calls, session({
  client,
  transport,
  protocolVersion: () => agreed,
  callTool: (params, limits) => client.callTool(params, undefined, limits),
}));
