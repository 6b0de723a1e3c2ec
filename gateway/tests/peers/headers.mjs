// What a modern client of the TypeScript SDK 2.x gets from a tool that wants arguments repeated in headers: one that has listed
// the tools, and one that has not. Prints one JSON document.
//
// Usage: headers.mjs URL. Invariant: exit code 0 means that both calls were answered.

import { REQUEST_MS, peer } from "./driver.mjs";

const { Client, StreamableHTTPClientTransport } = peer("@modelcontextprotocol/client");
const MODERN = "2026-07-28";

const call = { name: "db__sql", arguments: { region: "世界 x", limit: -7, options: { dry: false }, query: "q" } };

async function called(lists) {
  const settings = { versionNegotiation: { mode: { pin: MODERN } } };
  const client = new Client({ name: "peer-headers", version: "1" }, settings);
  await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
  if (lists) {
    await client.listTools();
  }
  const { structuredContent } = await client.callTool(call, { timeout: REQUEST_MS });
  await client.close();
  return structuredContent.arguments;
}

const [listed, unlisted] = [await called(true), await called(false)];
process.stdout.write(JSON.stringify({ wanted: call.arguments, listed, unlisted }));
