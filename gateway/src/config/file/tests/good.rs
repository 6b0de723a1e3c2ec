//! What becomes of a good file.

use std::collections::BTreeSet;

use super::*;
use crate::config::{Capability, Instances, Limits, Protocol, Reload, Secret, Start};

#[track_caller]
fn good(file: &str, text: &str) -> ShardSpec {
    let (mut entries, problems) = parse(&Path::new("shards.d").join(file), text, &machine());
    assert_eq!(problems, []);
    entries.remove(0).spec.unwrap()
}

#[test]
fn least_file_has_the_defaults() {
    let spec = good("x.yaml", "command: npx");
    assert_eq!((spec.name.as_str(), spec.view.prefix.as_str()), ("x", "x"));
    assert_eq!(spec.source, Path::new("shards.d/x.yaml"));
    assert_eq!(spec.process.program, Path::new("/bin/npx"));
    assert_eq!((spec.process.protocol, spec.process.instances), (Protocol::Auto, Instances::Shared));
    assert_eq!((spec.process.args.len(), spec.process.env.len(), spec.process.cwd), (0, 0, None));
    assert_eq!((spec.enabled, spec.reload, spec.start), (true, Reload::Swap, Start::Eager));
    assert_eq!((spec.idle_stop, spec.roots), (None, vec![]));
    assert_eq!(spec.declare, BTreeSet::from(Capability::ALL));
    assert_eq!(spec.timeouts.max, Duration::from_secs(7200));
    assert_eq!(spec.limits, Limits { in_flight: 64, message: 16 << 20 });
    assert!(spec.view.tools.exposes("anything"));
}

/// Every key there is, none at its default.
pub(super) const FULL: &str = r#"
command: ./run.sh
args: [--port, 8080, "${file:/run/secret}", "$$x", 1.10]
env: { API_KEY: "k-${API_TOKEN}", DEBUG: yes, N: 010, EMPTY: "", URL: "${URL:-http://x}" }
cwd: /srv
enabled: true
prefix: other
tools: { allow: [get_*], deny: [get_all], rename: { get_one: one } }
instances: per_session
reload: restart
roots: [/srv/a b, file:///c]
declare: [roots]
start: lazy
idle_stop: 10m
protocol: legacy
timeouts: { start: 1s, call: 2m, max: 3h, drain: 0s, stop: 500ms }
limits: { in_flight: 1, message: 1MB }
"#;

#[test]
fn every_key_is_heard() {
    let spec = good("x.yml", FULL);
    let process = &spec.process;
    assert_eq!((process.command.as_str(), &*process.program.to_string_lossy()), ("./run.sh", "/lab/shards.d/run.sh"));
    let args: Vec<&str> = process.args.iter().map(Secret::expose).collect();
    assert_eq!(args, ["--port", "8080", "s3cret", "$x", "1.10"]);
    let env: Vec<_> = process.env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    let expected = [("API_KEY", "k-hunter2"), ("DEBUG", "yes"), ("EMPTY", ""), ("N", "010"), ("URL", "http://x")];
    assert_eq!(env, expected);
    assert_eq!(process.cwd.as_deref(), Some(Path::new("/srv")));
    assert_eq!((process.protocol, process.instances), (Protocol::Legacy, Instances::PerSession));
    assert_eq!((spec.reload, spec.start), (Reload::Restart, Start::Lazy));
    assert_eq!(spec.view.prefix.as_str(), "other");
    assert!(spec.view.tools.exposes("get_one") && !spec.view.tools.exposes("get_all"));
    assert_eq!(spec.view.tools.renamed("get_one"), "one");
    assert_eq!(spec.roots, ["file:///srv/a%20b", "file:///c"]);
    assert_eq!(spec.declare, BTreeSet::from([Capability::Roots]));
    assert_eq!(spec.idle_stop, Some(Duration::from_secs(600)));
    assert_eq!((spec.timeouts.drain, spec.timeouts.stop), (Duration::ZERO, Duration::from_millis(500)));
    assert_eq!(spec.limits, Limits { in_flight: 1, message: 1_000_000 });
}

#[test]
fn json_says_the_same_as_yaml() {
    let value: serde_yaml::Value = serde_yaml::from_str(FULL).unwrap();
    let mut json = serde_json::to_value(value).unwrap();
    // YAML keeps how a number was written, and JSON has no such number.
    json["args"][4] = "1.10".into();
    json["env"]["N"] = "010".into();
    let spec = good("x.json", &json.to_string());
    assert_eq!(ShardSpec { source: "shards.d/x.yml".into(), ..spec }, good("x.yml", FULL));
}

#[test]
fn no_secret_is_shown() {
    let spec = good("x.yml", FULL);
    let shown = format!("{spec:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("hunter2"), "{shown}");
    let text = "x --token s3cret k-hunter2 hunter2 http://x";
    assert_eq!(spec.mask.apply(text), "x --token *** *** *** http://x");
}

#[test]
fn secrets_leave_the_command_key_alone() {
    let with = |secret: &str| {
        let machine = machine().file("/run/secret", secret);
        let (mut entries, _) = parse(Path::new("shards.d/x.yml"), FULL, &machine);
        entries.remove(0).spec.unwrap().process
    };
    assert_ne!(with("s3cret"), with("other"));
    assert_eq!(with("s3cret").command_key(), with("other").command_key());
}

#[test]
fn only_some_keys_make_a_new_process() {
    let process = |rest: &str| good("x.yaml", &format!("command: npx\n{rest}")).process;
    let plain = process("");
    for same in ["prefix: y", "tools: { deny: [a] }", "reload: restart", "timeouts: { call: 1s }"] {
        assert_eq!(process(same), plain, "{same}");
    }
    for new in ["args: [a]", "env: { A: a }", "cwd: /srv", "protocol: modern", "instances: exclusive"] {
        assert_ne!(process(new), plain, "{new}");
    }
}

#[test]
fn disabled_shard_is_not_asked_for_what_it_needs() {
    let spec = good("x.yaml", "{ enabled: false, command: none, args: ['${NONE}'], cwd: /none }");
    assert!(!spec.enabled);
    let (problems, made) = read("x.yaml", "{ enabled: false, command: none, comand: x }");
    assert_eq!((problems.len(), made), (1, false));
}

#[test]
fn child_inherits_little_and_hears_its_file() {
    let mut machine = machine();
    for name in ["HOME", "LC_ALL", "TZ", "https_proxy", "NO_PROXY", "AWS_SECRET_ACCESS_KEY", "USER"] {
        machine = machine.set(name, "outside");
    }
    let spec = good("x.yaml", "{ command: npx, env: { HOME: inside, PORT: 80 } }");
    let env = spec.child_env(&machine);
    let shown: Vec<String> =
        env.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect();
    let expected = [
        "HOME=inside",
        "LC_ALL=outside",
        "NO_PROXY=outside",
        "PATH=/bin",
        "PORT=80",
        "TZ=outside",
        "https_proxy=outside",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn marks_at_the_beginning_and_foreign_line_ends_are_fine() {
    let spec = good("x.yaml", "\u{feff}command: npx\r\nargs:\r\n  - a\r\n");
    assert_eq!(spec.process.args[0].expose(), "a");
    good("x.json", "\u{feff}{\r\n\t\"command\": \"npx\", \"args\": [\"\\ud83d\\ude00\"]\r\n}");
}

#[test]
fn desktop_file_gives_one_shard_per_entry() {
    let text = r#"{
  "globalShortcut": "",
  "mcpServers": {
    "My Server": {"command": "npx", "args": ["${X}", 5], "env": {"TOKEN": "abcd"}, "autoApprove": []},
    "off": {"command": "none", "disabled": true},
    "remote": {"url": "http://x"},
    "events": {"type": "sse"},
    "!": {"command": "npx"},
    "twice": {"command": "npx", "command": "npx"},
    "number": 5
  }
}"#;
    let (entries, problems) = parse(Path::new("claude.json"), text, &machine());
    let made: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {:?}", entry.name, entry.spec.as_ref().map(|spec| spec.enabled)))
        .collect();
    let expected =
        ["My-Server Some(true)", "off Some(false)", "remote None", "events None", "twice None", "number None"];
    assert_eq!(made, expected);
    let spec = entries[0].spec.as_ref().unwrap();
    assert_eq!(spec.process.args[0].expose(), "${X}");
    assert_eq!(spec.mask.apply("abcd"), "***");
    let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let bridge = "is reached by URL, and the gateway runs stdio servers only; give it a `command` \
                  that bridges, such as `npx` with `mcp-remote` and the URL";
    let expected = [
        "claude.json:4:84: warning: key `autoApprove` is passed over",
        &format!("claude.json:6:5: `remote` {bridge}"),
        &format!("claude.json:7:5: `events` {bridge}"),
        "claude.json:8:5: `!` cannot name a shard: it has no letter and no digit; rename it",
        "claude.json:9:33: duplicate key `command`; line 9 has it already; remove one of the two",
        "claude.json:10:15: lines such as `command: name` belong here, found a number",
    ];
    assert_eq!(shown, expected);
    assert_eq!(read("x.json", r#"{"mcpServers": {}}"#), (vec![], false));
}
