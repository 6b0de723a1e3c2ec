// Tools with which the suite tries one rule of 2026-07-28 each: capabilities, logs, headers, and lists that change.
//
// Invariant: a list changes by one item that comes and goes, and whoever listens is told of each time.

import { form } from "./asking.mjs";

const text = (text) => ({ content: [{ type: "text", text }] });
const says = (text) => ({ role: "user", content: { type: "text", text } });

/** What is shown at the moment, for all who are connected to this process. */
const shown = { tools: false, prompts: false };

/** What comes and goes. */
export const CHANGING = {
  tools: {
    test_changing_tool: { description: "Is there every other time.", call: () => text("Now it is there.") },
  },
  prompts: {
    test_changing_prompt: {
      description: "Is there every other time.",
      arguments: [],
      messages: () => [says("Now it is there.")],
    },
  },
  shown: (kind) => (shown[kind] ? CHANGING[kind] : {}),
};

/** Changes the lists of one server. Servers over HTTP end with their request, so `publish` is told as well. */
export function changes(server, publish) {
  const owned = { tools: [], prompts: [] };
  return {
    shows: (kind) => shown[kind],
    owns: (kind, item) => owned[kind].push(item),
    tools: () => {
      shown.tools = !shown.tools;
      // This tells whoever is connected to the server itself.
      for (const tool of owned.tools) tool.update({ enabled: shown.tools });
      publish?.toolsChanged();
    },
    prompts: () => {
      shown.prompts = !shown.prompts;
      server.sendPromptListChanged();
      publish?.promptsChanged();
    },
  };
}

export const PROBES = {
  test_missing_capability: {
    description: "Cannot do without the client's model.",
    call: async (_, ask) => {
      const messages = [{ role: "user", content: { type: "text", text: "Say something." } }];
      return text(`The model said: ${(await ask.sample({ messages, maxTokens: 10 })).content.text}`);
    },
  },
  test_streaming_elicitation: {
    description: "Asks the person for a name.",
    call: async (_, ask) => {
      const { name } = await ask.answers({ name: form("Who is there?", "name") });
      return text(`action=${name.action}`);
    },
  },
  test_logging_tool: {
    description: "Logs one message, to whom wants it.",
    call: async (_, ask) => {
      await ask.log("One message from the tool.");
      return text("One message was logged.");
    },
  },
  test_trigger_tool_change: {
    description: "Changes the list of tools.",
    call: (_, ask) => {
      ask.changed.tools();
      return text("The list of tools has changed.");
    },
  },
  test_trigger_prompt_change: {
    description: "Changes the list of prompts.",
    call: (_, ask) => {
      ask.changed.prompts();
      return text("The list of prompts has changed.");
    },
  },
  test_custom_header: {
    description: "Takes an argument that is also a header.",
    inputSchema: {
      type: "object",
      properties: {
        region: { type: "string", description: "Where it happens", "x-mcp-header": "Region" },
        priority: { type: "integer", description: "How urgent it is", "x-mcp-header": "Priority" },
      },
      required: ["region"],
    },
    call: ({ region }) => text(`It happens in ${region}.`),
  },
};
