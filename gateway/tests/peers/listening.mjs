// The TypeScript client 2.x at 2026-07-28, which listens to resources of the server `everything` and to the list of tools.
// Prints one JSON document: what was granted, what it heard before it had all of it, and how the end came.
//
// Usage: listening.mjs URL, or listening.mjs --stdio CMD ARG….
// Invariant: exit code 0 means that the document is complete.

import { readFileSync, writeFileSync } from "node:fs";
import { REQUEST_MS, peer } from "./driver.mjs";

const SDK = "@modelcontextprotocol/client";
const { Client, StreamableHTTPClientTransport } = peer(SDK);
const { StdioClientTransport } = peer(`${SDK}/stdio`);
const ONE = "demo://resource/dynamic/text/1";
const TWO = "demo://resource/dynamic/text/2";

const [address, command, ...args] = process.argv.slice(2);
const transport =
  address === "--stdio"
    ? new StdioClientTransport({ command, args, env: process.env })
    : new StreamableHTTPClientTransport(new URL(address));
const client = new Client(
  { name: "peer-listening", version: "1" },
  { versionNegotiation: { mode: { pin: "2026-07-28" } } },
);
const heard = { first: new Set(), second: new Set() };
let counting = heard.first;
let settle;
const note = (what, wanted) => {
  counting.add(what);
  if (wanted()) settle?.();
};
client.setNotificationHandler("notifications/resources/updated", ({ params }) => note(params.uri, () => waitsFor()));
client.setNotificationHandler("notifications/tools/list_changed", () => note("tools", () => waitsFor()));
let waitsFor = () => false;

/** Until this is so, or the time is over. */
const until = (condition) =>
  new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`heard only ${[...counting]}`)), REQUEST_MS);
    settle = () => (clearTimeout(limit), resolve());
    waitsFor = condition;
    if (condition()) settle();
  });

await client.connect(transport, { timeout: REQUEST_MS });
const both = await client.listen({ toolsListChanged: true, resourceSubscriptions: [ONE, TWO, "demo://nowhere"] });
await client.callTool({ name: "everything__toggle-subscriber-updates", arguments: {} });
// A shard file that appears is a list of tools that changes.
const { NEW_FILE: path, OLD_FILE: text } = process.env;
writeFileSync(path, readFileSync(text, "utf8"));
await until(() => heard.first.has(ONE) && heard.first.has(TWO) && heard.first.has("tools"));

const granted = both.honoredFilter;
const one = await client.listen({ resourceSubscriptions: [ONE] });
await both.close();
counting = heard.second;
// The server reports on what is followed every five seconds.
await until(() => heard.second.has(ONE));
const { tools } = await client.listTools();
const seen = { granted, first: [...heard.first].sort(), second: [...heard.second].sort(), closed: await both.closed };
await one.close();
await client.close();
console.log(JSON.stringify({ ...seen, tools: tools.length }));
