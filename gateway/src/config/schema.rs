//! The JSON Schema of a shard file, which editors read to complete, explain and check its keys.
//!
//! Invariant: what the reader takes, the schema takes. The reverse cannot hold, because only the reader sees the machine.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::json;

use super::spec::{Capability, Instances, Limits, Protocol, Reload, Start, Timeouts};

/// What the schema is called in a folder of shard files; the gateway passes hidden files over.
pub const FILE_NAME: &str = ".schema.json";
/// The first line of a shard file that lies beside the schema.
pub const MODELINE: &str = "# yaml-language-server: $schema=.schema.json";

/// The schema, as the file [`FILE_NAME`] holds it.
pub fn text() -> String {
    // Draft 7 is what the YAML language server knows best.
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<ShardFile>();
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}

/// One MCP server that mcp-gateway runs as a child process. The file's stem is the shard's name; only `command` is required.
#[derive(JsonSchema)]
#[schemars(title = "A shard file of mcp-gateway", deny_unknown_fields)]
#[expect(dead_code, reason = "the derive reads the fields, nothing else does")]
struct ShardFile {
    /// The program: an absolute path, ./relative to this file, or a name that lies beside the gateway's binary or on PATH.
    /// `${VAR}`, `${VAR:-default}` and `${file:/path}` are filled in here and in args, env and cwd; `$$` is a `$`.
    #[schemars(extend("pattern" = "^[^~\\u0000][^\\u0000]*$"))]
    command: String,
    /// The arguments, one item each.
    #[schemars(extend("default" = json!([])))]
    args: Option<Vec<Scalar>>,
    /// The variables that the program gets beside PATH, HOME, the locale, TMPDIR and the proxies.
    #[schemars(extend("default" = json!({}), "propertyNames" = json!({"pattern": "^[^=\\u0000]+$"})))]
    env: Option<BTreeMap<String, Scalar>>,
    /// The working directory, seen from this file; without it, the gateway's own.
    #[schemars(default)]
    cwd: Text,
    /// `false` keeps the file and stops the shard.
    #[schemars(default, extend("default" = true))]
    enabled: bool,
    /// What stands before `__` in the exposed names; without it, the shard's name. `""` is for none.
    #[schemars(default)]
    prefix: Prefix,
    /// Which tools clients see and may call, and under which names. All three go by the shard's own names.
    tools: Option<ToolKeys>,
    #[schemars(default, extend("default" = "shared"))]
    instances: Instances,
    #[schemars(default, extend("default" = "swap"))]
    reload: Reload,
    /// What the shard hears when it asks for roots: absolute paths, or `file:///` addresses.
    #[schemars(extend("default" = json!([])))]
    roots: Option<Vec<Root>>,
    /// What is declared to a shard of the `initialize` era.
    #[schemars(default, extend("default" = json!(["sampling", "elicitation", "roots"])))]
    declare: Vec<Capability>,
    #[schemars(default, extend("default" = "eager"))]
    start: Start,
    /// After how long without calls the process is stopped until the next one, such as `10m`; or `never`.
    #[schemars(default, extend("default" = "never", "pattern" = format!("^never$|{LASTING}")))]
    idle_stop: String,
    #[schemars(default, extend("default" = "auto"))]
    protocol: Protocol,
    /// How long things may take, such as `500ms`, `30s`, `10m` or `2h`.
    timeouts: Option<TimeoutKeys>,
    /// How much there may be.
    limits: Option<LimitKeys>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the derive reads the fields, nothing else does")]
struct ToolKeys {
    /// The tools that are shown, as patterns: `*`, `?`, `[a-z]`, `{get,list}_*`.
    #[schemars(default, extend("default" = json!(["*"])))]
    allow: Vec<Scalar>,
    /// The tools that are not shown all the same, as patterns.
    #[schemars(extend("default" = json!([])))]
    deny: Option<Vec<Scalar>>,
    /// Other names: what the shard calls the tool, and what clients see instead.
    #[schemars(extend("default" = json!({})))]
    rename: Option<BTreeMap<String, NewName>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the derive reads the fields, nothing else does")]
struct TimeoutKeys {
    /// From the start of the process to the end of the handshake.
    #[schemars(default, extend("default" = written(Timeouts::default().start)))]
    start: Lasting,
    /// From a call, or its last progress, to its result.
    #[schemars(default, extend("default" = written(Timeouts::default().call)))]
    call: Lasting,
    /// From a call to its result, whatever its progress. Not less than `call`.
    #[schemars(default, extend("default" = written(Timeouts::default().max)))]
    max: Lasting,
    /// What an old process has to finish its calls when another takes its place.
    #[schemars(default, extend("default" = written(Timeouts::default().drain)))]
    drain: LastingOrNone,
    /// What a process has to end by itself before it is killed.
    #[schemars(default, extend("default" = written(Timeouts::default().stop)))]
    stop: LastingOrNone,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "the derive reads the fields, nothing else does")]
struct LimitKeys {
    /// The calls that the shard has at a time; more of them wait.
    #[schemars(default, extend("default" = Limits::default().in_flight))]
    in_flight: InFlight,
    /// The bytes of one message: a number, or one with a unit, such as `512KiB` or `16MiB`.
    #[schemars(default, extend("default" = "16MiB"))]
    message: Size,
}

fn written(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

const NO_NUL: &str = "^[^\\u0000]*$";
/// What `humantime` reads.
const LASTING: &str = "^\\s*([0-9][0-9\\s]*(\\.[0-9\\s]+)?(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s\
                       |minutes|minute|mins|min|m|hours|hour|hrs|hr|h|days|day|d|weeks|week|wks|wk|w|months|month|M\
                       |years|year|yrs|yr|y)\\s*)+$";

/// A type of the file whose schema is written out.
macro_rules! written_out {
    ($(#[doc = $doc:literal])+ $name:ident, $schema:tt) => {
        $(#[doc = $doc])+
        #[derive(Default)]
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

written_out!(
    /// A text, or what can be taken for one as it is written.
    Scalar,
    { "type": ["string", "number", "boolean"], "pattern": NO_NUL }
);
written_out!(
    /// A text that a program can be given.
    Text,
    { "type": "string", "pattern": NO_NUL }
);
written_out!(
    /// What can stand before `__`; no fraction, whose dot cannot.
    Prefix,
    { "type": ["string", "integer", "boolean"], "pattern": "^(?!.*__)(?!.*_$)[A-Za-z0-9_-]{0,32}$" }
);
written_out!(
    /// A scalar that is not empty.
    NewName,
    { "type": ["string", "number", "boolean"], "pattern": "^[^\\u0000]+$" }
);
written_out!(
    /// A place in the file system.
    Root,
    { "type": "string", "pattern": "^/[^\\u0000]*$|^file:///[^\\u0000]*$" }
);
written_out!(
    /// A duration that is not none.
    Lasting,
    { "type": "string", "pattern": LASTING }
);
written_out!(
    /// Any duration; 0 needs no unit.
    LastingOrNone,
    { "type": ["string", "integer"], "pattern": format!("^0$|{LASTING}"), "minimum": 0, "maximum": 0 }
);
written_out!(
    /// A number of calls.
    InFlight,
    { "type": "integer", "minimum": 1, "maximum": Limits::MOST_IN_FLIGHT }
);
written_out!(
    /// A number of bytes; the unit's case does not matter.
    Size,
    {
        "type": ["string", "integer"],
        "pattern": "^[0-9]+\\s*([bB]|[kKmMgG]([iI]?[bB])?)?$",
        "minimum": Limits::MESSAGE.start(),
        "maximum": Limits::MESSAGE.end()
    }
);
