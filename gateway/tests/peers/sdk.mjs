// The conversation of both TypeScript SDKs, whose clients share these method names.
//
// Invariant: every page of every list is asked for, and an HTTP session is ended with DELETE.

import { REQUEST_MS } from "./driver.mjs";

const LIMITS = { timeout: REQUEST_MS };

/**
 * What `drive` needs, for a client and the transport that it will connect through. The two SDKs
 * differ in `protocolVersion()`, asked after connecting, and in `callTool(params, limits)`.
 */
export function session({ client, transport, protocolVersion, callTool }) {
  const pages = {
    tools: (page) => client.listTools(page, LIMITS),
    prompts: (page) => client.listPrompts(page, LIMITS),
    resources: (page) => client.listResources(page, LIMITS),
    templates: (page) => client.listResourceTemplates(page, LIMITS),
  };
  return {
    async open() {
      await client.connect(transport, LIMITS);
      return {
        protocolVersion: protocolVersion(),
        serverInfo: client.getServerVersion() ?? null,
        instructions: client.getInstructions(),
        capabilities: client.getServerCapabilities(),
      };
    },
    async list(kind) {
      const items = [];
      let cursor;
      do {
        const page = await pages[kind](cursor === undefined ? undefined : { cursor });
        items.push(...(page.resourceTemplates ?? page[kind]));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return items.map((item) => item.uriTemplate ?? item.uri ?? item.name);
    },
    call(kind, name, args) {
      if (kind === "resource") return client.readResource({ uri: name }, LIMITS);
      if (kind === "prompt") return client.getPrompt({ name, arguments: args }, LIMITS);
      return callTool({ name, arguments: args }, LIMITS);
    },
    async close() {
      await transport.terminateSession?.();
      await client.close();
    },
    kill() {
      try {
        if (transport.pid) process.kill(transport.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    },
  };
}
