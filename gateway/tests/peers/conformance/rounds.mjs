// The tools and the prompt that answer with questions: what the scenarios of multi-round-trip requests call.
//
// Invariant: what is carried from one round to the next travels in the request state alone, sealed; nothing is remembered.

import { form } from "./asking.mjs";

const text = (text) => ({ content: [{ type: "text", text }] });

const sampling = (text, maxTokens) => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: { type: "text", text } }], maxTokens },
});

const ROOTS = { method: "roots/list", params: {} };

const capital = () => sampling("What is the capital of France?", 100);

/** Which capability each kind of question needs. */
const BY_CAPABILITY = {
  sampling: { capital_question: capital() },
  elicitation: { user_name: form("What is your name?", "name") },
  roots: { client_roots: ROOTS },
};

export const ROUNDS = {
  test_input_required_result_elicitation: {
    description: "Asks for a name and greets.",
    call: async (_, ask) => {
      const { user_name: named } = await ask.answers({ user_name: form("What is your name?", "name") });
      return text(`Hello, ${named.content?.name ?? "stranger"}!`);
    },
  },
  test_input_required_result_sampling: {
    description: "Asks the client's model for a capital.",
    call: async (_, ask) => text((await ask.answers({ capital_question: capital() })).capital_question.content.text),
  },
  test_input_required_result_list_roots: {
    description: "Asks for the client's roots.",
    call: async (_, ask) => {
      const { client_roots: given } = await ask.answers({ client_roots: ROOTS });
      return text(`Roots: ${given.roots.map(({ uri }) => uri).join(", ")}`);
    },
  },
  test_input_required_result_request_state: {
    description: "Asks for a confirmation, and wants its state back.",
    call: async (_, ask) => {
      await ask.answers({ confirm: form("Please confirm.", "ok", "boolean") }, { asked: "confirm" });
      return text(ask.state()?.asked === "confirm" ? "state-ok" : "There was no state.");
    },
  },
  test_input_required_result_multiple_inputs: {
    description: "Asks a person, a model and the client at once.",
    call: async (_, ask) => {
      const asked = {
        user_name: form("What is your name?", "name"),
        greeting: sampling("Generate a greeting.", 50),
        client_roots: ROOTS,
      };
      const given = await ask.answers(asked, { asked: Object.keys(asked) });
      const said = given.greeting.content.text;
      return text(`${said} ${given.user_name.content?.name}, ${given.client_roots.roots.length} roots`);
    },
  },
  test_input_required_result_multi_round: {
    description: "Asks for a name, then for a colour.",
    call: async (_, ask) => {
      const before = ask.state();
      if (before === undefined) {
        await ask.needs({ step1: form("Step 1: What is your name?", "name") }, { round: 1 });
      }
      if (before.round === 1) {
        const { step1 } = await ask.answers({ step1: form("Step 1: What is your name?", "name") }, { round: 1 });
        const name = step1.content?.name;
        await ask.needs({ step2: form("Step 2: What is your favourite colour?", "color") }, { round: 2, name });
      }
      const asked = { step2: form("Step 2: What is your favourite colour?", "color") };
      const { step2 } = await ask.answers(asked, before);
      return text(`${before.name} likes ${step2.content?.color}.`);
    },
  },
  test_input_required_result_tampered_state: {
    description: "Asks for a confirmation, and refuses a state that is not its own.",
    call: async (_, ask) => {
      await ask.answers({ confirm: form("Please confirm.", "ok", "boolean") }, { asked: "confirm" });
      return text("The state is the one that was given.");
    },
  },
  test_input_required_result_capabilities: {
    description: "Asks only what the client says it can be asked.",
    call: async (_, ask) => {
      const can = Object.keys(BY_CAPABILITY).filter((capability) => ask.declared()[capability]);
      const asked = Object.assign({}, ...can.map((capability) => BY_CAPABILITY[capability]));
      const given = Object.keys(asked).length > 0 ? await ask.answers(asked) : {};
      return text(`Answers: ${Object.keys(given).join(", ") || "none"}`);
    },
  },
};

export const ROUNDS_PROMPT = {
  test_input_required_result_prompt: {
    description: "Asks what it is about.",
    arguments: [],
    messages: async (_, ask) => {
      const asked = { user_context: form("What context should the prompt use?", "context") };
      const { user_context: given } = await ask.answers(asked);
      return [{ role: "user", content: { type: "text", text: `Context: ${given.content?.context}` } }];
    },
  },
};
