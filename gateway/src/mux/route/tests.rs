//! Where requests go, by catalogues of a few items.

use crate::catalogue::{self, Member, NoRules};
use crate::shard::roster::{Item, Offered, Roster};

use super::*;
use crate::mux::ClientKey;

fn roster(resources: &[&str], templates: &[&str]) -> Roster {
    let item = |list, text: String| Item::read(list, Raw::parse(text.as_bytes()).unwrap()).unwrap();
    let offered = |list: List| {
        let items = match list {
            List::Tools => vec![item(list, r#"{"name":"do it","inputSchema":{"type":"object"}}"#.into())],
            List::Prompts => vec![item(list, r#"{"name":"greet"}"#.into())],
            List::Resources => {
                resources.iter().map(|uri| item(list, format!(r#"{{"uri":"{uri}","name":"r"}}"#))).collect()
            }
            List::Templates => {
                templates.iter().map(|uri| item(list, format!(r#"{{"uriTemplate":"{uri}","name":"t"}}"#))).collect()
            }
        };
        Arc::new(Offered { items, ..Offered::default() })
    };
    Roster {
        server_info: "{}".into(),
        revision: "2025-11-25".into(),
        modern: false,
        capabilities: "{}".into(),
        instructions: None,
        lists: List::ALL.map(offered),
    }
}

fn catalogue() -> Catalogue {
    let (one, two) = (roster(&["a:1", "x:1"], &["a:item/{id}", "x:{id}"]), roster(&["b:1"], &["x:{+id}"]));
    let member = |shard, roster| Member { shard, prefix: shard, roster, rules: &NoRules };
    catalogue::merge(None, &[member("one", &one), member("two", &two)]).0
}

fn scope<'a>(catalogue: &'a Catalogue, view: &'a Arc<View>, shown: &'a Shown, tasks: &'a TaskIds) -> Scope<'a> {
    Scope { catalogue, view, shown, tasks, owner: Holder::session(ClientKey(1)) }
}

/// `shard` and, for names, what it calls the item; or the error's code.
fn told(shown: &Shown, method: &str, params: &str) -> String {
    told_at(View::All, shown, method, params)
}

/// The same for who sees no more than `view`; what that shows is all the same here.
fn told_at(view: View, shown: &Shown, method: &str, params: &str) -> String {
    told_in(Era::Modern, view, shown, method, params)
}

fn told_in(era: Era, view: View, shown: &Shown, method: &str, params: &str) -> String {
    let params = Params::read(Some(Raw::parse(params.as_bytes()).unwrap())).unwrap();
    match route(&scope(&catalogue(), &Arc::new(view), shown, &TaskIds::default()), era, method, &params) {
        Ok(Route { shard, own_name: Some(own), .. }) => format!("{shard} {own}"),
        Ok(Route { shard, .. }) => shard.to_string(),
        Err(fault) => fault.code.to_string(),
    }
}

#[test]
fn names_go_to_the_shard_that_exposes_them() {
    let cases = [
        ("tools/call", r#"{"name":"one__do_it"}"#, "one do it"),
        ("tools/call", r#"{"name":"do it"}"#, "-32602"),
        ("prompts/get", r#"{"name":"two__greet"}"#, "two greet"),
        ("prompts/get", r#"{"name":"greet"}"#, "-32602"),
        ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"one__greet"}}"#, "one greet"),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"x:{+id}"}}"#, "two"),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"a:1"}}"#, "one"),
        ("completion/complete", r#"{"ref":{"type":"ref/resource","uri":"z:1"}}"#, "-32602"),
        ("completion/complete", "{}", "-32602"),
        ("tools/unheard_of", "{}", "-32601"),
    ];
    for (method, params, expected) in cases {
        assert_eq!(told(&Shown::default(), method, params), expected, "{method} {params}");
    }
}

#[test]
fn a_uri_goes_to_its_lister_then_to_the_only_template_then_to_whoever_showed_it_last() {
    let shown = Shown::default();
    let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
    let read = |uri: &str| told(&shown, "resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
    for uri in ["a:1", "a:item/7", "b:1", "x:1", "x:2"] {
        shown.remember(vec![uri.into()], &two);
    }
    assert_eq!([read("a:1"), read("a:item/7"), read("b:1"), read("x:1")], ["one", "one", "two", "one"]);
    assert_eq!([read("x:2"), read("x:3"), read("z:1")], ["two", "-32602", "-32602"]);
    shown.remember(vec!["x:2".into(), "z:1".into()], &one);
    assert_eq!([read("x:2"), read("z:1")], ["one", "one"]);
}

#[test]
fn what_another_shard_has_shown_cannot_be_read_by_who_does_not_see_it() {
    let shown = Shown::default();
    shown.remember(vec!["x:2".into(), "z:1".into()], &"one".into());
    let read =
        |view: &View, uri: &str| told_at(view.clone(), &shown, "resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
    let (one, two) = (View::only(["one", "three"]), View::only(["two"]));
    assert_eq!([read(&one, "x:2"), read(&one, "z:1")], ["one", "one"]);
    assert_eq!([read(&two, "x:2"), read(&two, "z:1")], ["-32602", "-32602"]);
    // One shard alone is asked for whatever it may know.
    let alone = View::alone("two");
    assert_eq!([read(&alone, "z:1"), read(&alone, "unheard:of")], ["two", "two"]);
}

#[test]
fn what_was_shown_is_bounded_in_number_and_length() {
    let shown = Shown::default();
    let shard: Arc<str> = "one".into();
    shown.remember(vec!["first".into(), "l".repeat(LONGEST + 1)], &shard);
    assert!(shown.owner("first").is_some() && shown.owner(&"l".repeat(LONGEST + 1)).is_none());
    shown.remember((0..SHOWN).map(|number| number.to_string()).collect(), &shard);
    assert!(shown.owner("first").is_none() && shown.owner("0").is_some());
    let owners = shown.0.lock().unwrap();
    assert_eq!((owners.by_uri.len(), owners.order.len()), (SHOWN, SHOWN));
}

#[test]
fn what_a_client_is_told_of_its_own_name_is_short() {
    let name = "é".repeat(10_000);
    let params = format!(r#"{{"name":"{name}"}}"#);
    let params = Params::read(Some(Raw::parse(params.as_bytes()).unwrap())).unwrap();
    let (catalogue, view, shown, tasks) = (catalogue(), Arc::default(), Shown::default(), TaskIds::default());
    let fault = route(&scope(&catalogue, &view, &shown, &tasks), Era::Modern, "tools/call", &params).unwrap_err();
    assert!(fault.to_json().len() < 1000, "{}", fault.to_json());
}

#[test]
fn a_method_that_no_revision_names_goes_to_the_one_shard_that_can_own_what_it_names() {
    let check = |method: &str, params: &str, expected: &str| {
        let seen = told_in(Era::Legacy, View::All, &Shown::default(), method, params);
        assert_eq!(seen, expected, "{method} {params}");
        assert_eq!(told(&Shown::default(), method, params), "-32601", "the modern era has no such method");
    };
    check("vendor/run", r#"{"name":"one__do_it"}"#, "one do it");
    check("vendor/run", r#"{"name":"two__greet"}"#, "two greet");
    check("vendor/run", r#"{"uri":"b:1"}"#, "two");
    check("vendor/run", r#"{"name":"two__do_it","uri":"b:1"}"#, "two do it");
    check("vendor/run", r#"{"name":"one__do_it","uri":"b:1"}"#, "-32601");
    check("vendor/run", r#"{"name":"do it"}"#, "-32601");
    check("vendor/run", r#"{"name":7,"uri":"b:1"}"#, "-32601");
    check("vendor/run", r#"{"uri":"z:1"}"#, "-32601");
    check("vendor/run", r#"{"taskId":"t","uri":"b:1"}"#, "-32601");
    check("vendor/run", "{}", "-32601");
    for ours in ["tasks/list", "server/discover", "initialize", "roots/list"] {
        check(ours, r#"{"name":"one__do_it","uri":"a:1"}"#, "-32601");
    }
}

#[test]
fn a_task_that_the_session_does_not_have_is_nowhere() {
    let check = |method: &str, params: &str, expected: &str| {
        assert_eq!(told_in(Era::Legacy, View::All, &Shown::default(), method, params), expected, "{method} {params}");
    };
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        check(method, r#"{"taskId":"t"}"#, "-32602");
        check(method, "{}", "-32602");
        assert_eq!(told(&Shown::default(), method, r#"{"taskId":"t"}"#), "-32601", "the modern era has no such method");
    }
    let claiming = r#"{"name":"one__do_it","_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}"#;
    check("tools/call", claiming, "-32602");
    assert_eq!(
        told(&Shown::default(), "tools/call", claiming),
        "one do it",
        "shards of the modern era have no such key"
    );
    check("tools/call", r#"{"name":"one__do_it","task":{}}"#, "one do it");
}
