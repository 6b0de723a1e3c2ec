// What the scenarios read and get: contents, resources, the template and prompts.
//
// Invariant: plain data and pure functions, so that every serving of the shard offers the same.

/** One red pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/** A sound without a sample: the header alone. */
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

export const IMAGE = { type: "image", data: PNG, mimeType: "image/png" };
export const AUDIO = { type: "audio", data: WAV, mimeType: "audio/wav" };
export const TEXT_RESOURCE = embedded(
  "test://embedded-resource",
  "text/plain",
  "This is an embedded resource content.",
);
export const MIXED_RESOURCE = embedded(
  "test://mixed-content-resource",
  "application/json",
  JSON.stringify({ test: "data", value: 123 }),
);

function embedded(uri, mimeType, text) {
  return { type: "resource", resource: { uri, mimeType, text } };
}

/** As `resources/list` shows them. */
export const RESOURCES = [
  { uri: "test://static-text", name: "static-text", description: "A text.", mimeType: "text/plain" },
  { uri: "test://static-binary", name: "static-binary", description: "An image.", mimeType: "image/png" },
  { uri: "test://watched-resource", name: "watched-resource", description: "One to watch.", mimeType: "text/plain" },
];

/** As `resources/templates/list` shows them. */
export const TEMPLATES = [
  {
    uriTemplate: "test://template/{id}/data",
    name: "template",
    description: "The data of one id.",
    mimeType: "application/json",
  },
];

const CONTENTS = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PNG },
  "test://watched-resource": { mimeType: "text/plain", text: "This resource can be watched." },
};

/** What can be read there, or undefined. */
export function read(uri) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  const data = () => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  const found = id === undefined ? CONTENTS[uri] : { mimeType: "application/json", text: data() };
  return found && { contents: [{ uri, ...found }] };
}

const says = (text) => ({ role: "user", content: { type: "text", text } });

const argument = (name, description) => ({ name, description, required: true });

/** By name: a description, the arguments, and the messages made of them. */
export const PROMPTS = {
  test_simple_prompt: {
    description: "One message.",
    arguments: [],
    messages: () => [says("This is a simple prompt for testing.")],
  },
  test_prompt_with_arguments: {
    description: "One message with two arguments in it.",
    arguments: [argument("arg1", "First test argument"), argument("arg2", "Second test argument")],
    messages: ({ arg1, arg2 }) => [says(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  },
  test_prompt_with_embedded_resource: {
    description: "A resource and what to do with it.",
    arguments: [argument("resourceUri", "URI of the resource to embed")],
    messages: ({ resourceUri }) => [
      { role: "user", content: embedded(resourceUri, "text/plain", "Embedded resource content for testing.") },
      says("Please process the embedded resource above."),
    ],
  },
  test_prompt_with_image: {
    description: "An image and what to do with it.",
    arguments: [],
    messages: () => [{ role: "user", content: IMAGE }, says("Please analyze the image above.")],
  },
};

/** What `completion/complete` draws from, whatever the argument. */
const WORDS = ["paris", "park", "party", "test one", "test two"];

export const completions = (start) => WORDS.filter((word) => word.startsWith(start));
