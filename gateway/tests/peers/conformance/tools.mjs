// The tools that the scenarios of the conformance suites call, by name.
//
// Invariant: a tool speaks to its caller only through `ask`, so that whatever it sends belongs to that one call.

import { setTimeout as pause } from "node:timers/promises";
import { AUDIO, IMAGE, MIXED_RESOURCE, TEXT_RESOURCE } from "./offers.mjs";

/** How long a tool works between two of its messages. */
const STEP_MS = 50;
/** How long after the end of its stream `test_reconnection` answers, so that the client must come back for it. */
const AWAY_MS = 200;

export const NOTHING = { type: "object", properties: {} };

const text = (text) => ({ content: [{ type: "text", text }] });

/** The arguments of a tool that takes one required string. */
const one = (name, description) => ({
  type: "object",
  properties: { [name]: { type: "string", description } },
  required: [name],
});

/** Asks for a form, and tells in text what came back. */
async function elicited(ask, message, properties, told) {
  const required = Object.keys(properties);
  const result = await ask.elicit({ message, requestedSchema: { type: "object", properties, required } });
  return text(`${told}: action=${result.action}, content=${JSON.stringify(result.content ?? {})}`);
}

const titled = (...names) => names.map((name, at) => ({ const: `value${at + 1}`, title: name }));

/**
 * A description, an input schema and what the tool does with its arguments and with `ask`: `log(data)`,
 * `progress(done, total)`, `sample(params)`, `elicit(params)` and `hangUp()`.
 */
export const TOOLS = {
  test_simple_text: {
    description: "Answers with one text.",
    call: () => text("This is a simple text response for testing."),
  },
  test_image_content: {
    description: "Answers with an image.",
    call: () => ({ content: [IMAGE] }),
  },
  test_audio_content: {
    description: "Answers with a sound.",
    call: () => ({ content: [AUDIO] }),
  },
  test_embedded_resource: {
    description: "Answers with a resource.",
    call: () => ({ content: [TEXT_RESOURCE] }),
  },
  test_multiple_content_types: {
    description: "Answers with a text, an image and a resource.",
    call: () => ({ content: [...text("Multiple content types test:").content, IMAGE, MIXED_RESOURCE] }),
  },
  test_error_handling: {
    description: "Fails, and says so in its result.",
    call: () => {
      throw new Error("This tool intentionally returns an error for testing");
    },
  },
  test_tool_with_logging: {
    description: "Logs three messages while it works.",
    call: async (_, ask) => {
      await ask.log("Tool execution started");
      await pause(STEP_MS);
      await ask.log("Tool processing data");
      await pause(STEP_MS);
      await ask.log("Tool execution completed");
      return text("Three messages were logged.");
    },
  },
  test_tool_with_progress: {
    description: "Reports 0, 50 and 100 of 100 while it works.",
    call: async (_, ask) => {
      for (const done of [0, 50, 100]) {
        await ask.progress(done, 100);
        // After the last one too: the SDK's client forgets a call's progress when it reads the result beside it.
        await pause(STEP_MS);
      }
      return text("All of 100 is done.");
    },
  },
  test_sampling: {
    description: "Lets the client's model answer a prompt.",
    inputSchema: one("prompt", "What the model is asked"),
    call: async ({ prompt }, ask) => {
      const messages = [{ role: "user", content: { type: "text", text: prompt } }];
      const answer = await ask.sample({ messages, maxTokens: 100 });
      return text(`LLM response: ${answer.content.text}`);
    },
  },
  test_elicitation: {
    description: "Asks the person for a name and an address.",
    inputSchema: one("message", "What the person is told"),
    call: ({ message }, ask) => {
      const properties = {
        username: { type: "string", description: "User's response" },
        email: { type: "string", description: "User's email address" },
      };
      return elicited(ask, message, properties, "User response");
    },
  },
  test_elicitation_sep1034_defaults: {
    description: "Asks with a form in which every kind of field has a default.",
    call: (_, ask) => {
      const properties = {
        name: { type: "string", default: "John Doe" },
        age: { type: "integer", default: 30 },
        score: { type: "number", default: 95.5 },
        status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
        verified: { type: "boolean", default: true },
      };
      return elicited(ask, "Please look over the defaults.", properties, "Elicitation completed");
    },
  },
  test_elicitation_sep1330_enums: {
    description: "Asks with a form that has every kind of choice.",
    call: (_, ask) => {
      const options = ["option1", "option2", "option3"];
      const properties = {
        untitledSingle: { type: "string", enum: options },
        titledSingle: { type: "string", oneOf: titled("First Option", "Second Option", "Third Option") },
        legacyEnum: {
          type: "string",
          enum: ["opt1", "opt2", "opt3"],
          enumNames: ["Option One", "Option Two", "Option Three"],
        },
        untitledMulti: { type: "array", items: { type: "string", enum: options } },
        titledMulti: { type: "array", items: { anyOf: titled("First Choice", "Second Choice", "Third Choice") } },
      };
      return elicited(ask, "Please choose.", properties, "Elicitation completed");
    },
  },
  json_schema_2020_12_tool: {
    description: "Has a schema that uses what JSON Schema 2020-12 brought.",
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      $defs: {
        address: {
          $anchor: "addressDef",
          type: "object",
          properties: { street: { type: "string" }, city: { type: "string" } },
        },
      },
      properties: {
        name: { type: "string" },
        address: { $ref: "#/$defs/address" },
        contactMethod: { type: "string", enum: ["phone", "email"] },
        phone: { type: "string" },
        email: { type: "string" },
      },
      allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
      if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
      then: { required: ["phone"] },
      else: { required: ["email"] },
      additionalProperties: false,
    },
    call: (args) => text(`Arguments: ${JSON.stringify(args)}`),
  },
  test_reconnection: {
    description: "Ends the stream of its call before it answers, where there is a stream to end.",
    call: async (_, ask) => {
      ask.hangUp();
      await pause(AWAY_MS);
      return text("The result was there when the client came back.");
    },
  },
};

/** As `tools/list` shows them. */
export const LISTED = Object.entries(TOOLS).map(([name, { description, inputSchema = NOTHING }]) => ({
  name,
  description,
  inputSchema,
}));
