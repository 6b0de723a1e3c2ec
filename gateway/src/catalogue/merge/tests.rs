//! What clients see of several shards together.

use crate::catalogue::Owner;
use crate::shard::roster::Offered;
use crate::wire::{Era, Raw};

use super::*;

struct TestRules;

impl Rules for TestRules {
    fn exposes(&self, own: &str) -> bool {
        !own.starts_with("delete")
    }

    fn renamed<'a>(&'a self, own: &'a str) -> &'a str {
        if own == "old" { "new" } else { own }
    }
}

/// A legacy roster with these items in its four lists.
fn roster(lists: [&[&str]; 4]) -> Roster {
    let offered = |list: List| {
        let read = |text: &&str| Item::read(list, Raw::parse(text.as_bytes()).unwrap()).unwrap();
        Arc::new(Offered { items: lists[list as usize].iter().map(read).collect(), ..Offered::default() })
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

fn tool(name: &str) -> String {
    format!(r#"{{"name":"{name}","inputSchema":{{"type":"object","properties":{{}}}}}}"#)
}

fn with_tools(names: &[&str]) -> Roster {
    let tools: Vec<String> = names.iter().map(|name| tool(name)).collect();
    roster([&tools.iter().map(String::as_str).collect::<Vec<_>>(), &[], &[], &[]])
}

fn member<'a>(shard: &'a str, prefix: &'a str, roster: &'a Roster) -> Member<'a> {
    Member { shard, prefix, roster, rules: &NoRules }
}

fn change(roster: &mut Roster, list: List, change: impl FnOnce(&mut Offered)) {
    change(Arc::make_mut(&mut roster.lists[list as usize]));
}

fn text(catalogue: &Catalogue, list: List, era: Era) -> String {
    String::from_utf8(catalogue.list(list, era).to_vec()).unwrap()
}

fn names(catalogue: &Catalogue, list: List) -> Vec<String> {
    catalogue.exposed(list).map(|(exposed, target)| format!("{exposed}={}/{}", target.shard, target.own)).collect()
}

fn reports(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn no_shard_gives_empty_lists() {
    let (catalogue, problems) = merge(None, &[]);
    assert_eq!(text(&catalogue, List::Tools, Era::Legacy), r#"{"tools":[]}"#);
    let modern = r#"{"resultType":"complete","resourceTemplates":[],"ttlMs":0,"cacheScope":"private"}"#;
    assert_eq!(text(&catalogue, List::Templates, Era::Modern), modern);
    assert_eq!((catalogue.instructions(), problems), (None, Vec::new()));
    assert!(Raw::parse(Catalogue::OWN_CAPABILITIES.as_bytes()).is_ok());
}

#[test]
fn items_keep_every_byte_but_the_name_and_what_the_schema_lacks() {
    let odd = "{ \"x-big\" : 1e400,\r\"n\\u0061me\":\"a\\/b\" , \"inputSchema\": { \"type\":\"object\" },\"title\":\"é\\u00e9\",\"title\":null}";
    let prompt = r#"{"name":"p","arguments":[{"name":"p"}]}"#;
    let resource = r#"{"uri":"x:\/\/a","name":"r"}"#;
    let roster = roster([&[odd, &tool("plain")], &[prompt], &[resource], &[r#"{"uriTemplate":"x://{a}"}"#]]);
    let (catalogue, problems) = merge(None, &[member("web", "w", &roster)]);
    assert_eq!(reports(&problems), [] as [&str; 0]);
    insta::assert_snapshot!(text(&catalogue, List::Tools, Era::Legacy), @r#"{"tools":[{ "x-big" : 1e400, "n\u0061me":"w__a_b" , "inputSchema": { "type":"object","properties":{} },"title":"é\u00e9","title":null},{"name":"w__plain","inputSchema":{"type":"object","properties":{}}}]}"#);
    insta::assert_snapshot!(text(&catalogue, List::Prompts, Era::Modern), @r#"{"resultType":"complete","prompts":[{"name":"w__p","arguments":[{"name":"p"}]}],"ttlMs":0,"cacheScope":"private"}"#);
    insta::assert_snapshot!(text(&catalogue, List::Resources, Era::Legacy), @r#"{"resources":[{"uri":"x:\/\/a","name":"r"}]}"#);
    insta::assert_snapshot!(text(&catalogue, List::Templates, Era::Legacy), @r#"{"resourceTemplates":[{"uriTemplate":"x://{a}"}]}"#);

    let target = catalogue.tool("w__a_b").unwrap();
    assert_eq!((target.shard.as_ref(), target.own.as_ref()), ("web", "a/b"));
    assert!(target.item.starts_with(b"{ \"x-big\" : 1e400") && target.item.ends_with(b"null}"));
    assert_eq!(catalogue.prompt("w__p").unwrap().own.as_ref(), "p");
    assert_eq!(catalogue.prompt("p"), None);
    assert_eq!(List::ALL.map(|list| catalogue.offered("web", list)), [2, 1, 1, 1]);
    assert_eq!(catalogue.offered("other", List::Tools), 0);
}

#[test]
fn rules_hide_and_rename_tools_and_leave_prompts_alone() {
    let tools = ["old", "delete_all", "keep"].map(tool);
    let roster =
        roster([&[&tools[0], &tools[1], &tools[2]], &[r#"{"name":"delete_me"}"#, r#"{"name":"old"}"#], &[], &[]]);
    let (catalogue, _) = merge(None, &[Member { rules: &TestRules, ..member("s", "s", &roster) }]);
    assert_eq!(names(&catalogue, List::Tools), ["s__new=s/old", "s__keep=s/keep"]);
    assert_eq!(names(&catalogue, List::Prompts), ["s__delete_me=s/delete_me", "s__old=s/old"]);
    assert_eq!(catalogue.tool("s__delete_all"), None);
}

#[test]
fn one_bad_item_costs_no_other_its_place() {
    let bad = [
        r#"{"name":"none"}"#,
        r#"{"name":"bool","inputSchema":true}"#,
        r#"{"name":"text","inputSchema":{"type":"string"}}"#,
        r#"{"name":"twice","inputSchema":{},"inputSchema":{}}"#,
        r#"{"name":"half","inputSchema":{"title":"\ud83d"}}"#,
    ];
    let good = [tool("good"), tool("good")];
    let roster = roster([&[bad[0], bad[1], &good[0], bad[2], bad[3], bad[4], &good[1]], &[], &[], &[]]);
    let (catalogue, problems) = merge(None, &[member("s", "", &roster)]);
    assert_eq!(names(&catalogue, List::Tools), ["good=s/good"]);
    assert_eq!(
        reports(&problems),
        [
            "tool `none` of shard `s` is left out: has no `inputSchema`",
            "tool `bool` of shard `s` is left out: its `inputSchema` is not an object",
            "tool `text` of shard `s` is left out: the `type` of its `inputSchema` is \"string\", not \"object\"",
            "tool `twice` of shard `s` is left out: has a duplicate key `inputSchema`",
            "tool `half` of shard `s` is left out: half a surrogate pair at byte 39",
            "tool `good` of shard `s` is left out: listed twice; the first one stays",
        ]
    );
}

#[test]
fn colliding_tool_stays_with_the_holder_while_it_is_there() {
    let (a, b) = (with_tools(&["search", "a"]), with_tools(&["search", "b"]));
    let (alone, _) = merge(None, &[member("b", "", &b)]);
    let both = [member("b", "", &b), member("a", "", &a)];

    let (catalogue, problems) = merge(Some(&alone), &both);
    assert_eq!(names(&catalogue, List::Tools), ["a=a/a", "search=b/search", "b=b/b"]);
    let report = "tool `search` of shard `a` is left out: shard `b` has the name `search`; give one of the two a prefix; `/mcp/a` has it";
    assert_eq!(reports(&problems), [report]);

    let (catalogue, _) = merge(Some(&catalogue), &[member("a", "", &a)]);
    assert_eq!(names(&catalogue, List::Tools), ["search=a/search", "a=a/a"]);

    let (first_of_all, _) = merge(None, &both);
    assert_eq!(first_of_all.tool("search").unwrap().shard.as_ref(), "a");
}

#[test]
fn uri_that_two_claim_stays_with_the_holder_and_is_reported() {
    let claiming =
        |uri: &str| roster([&[], &[], &[&format!(r#"{{"uri":"{uri}"}}"#)], &[r#"{"uriTemplate":"t://{x}"}"#]]);
    let (a, b) = (claiming("x://1"), claiming("x://1"));
    let (alone, _) = merge(None, &[member("b", "b", &b)]);
    let (catalogue, problems) = merge(Some(&alone), &[member("a", "a", &a), member("b", "b", &b)]);
    assert_eq!(catalogue.resource("x://1"), Owner::Listed(&"b".into()));
    assert_eq!(catalogue.template_owner("t://{x}"), Some(&"b".into()));
    assert_eq!(
        reports(&problems),
        [
            "resource `x://1` of shard `a` is left out: shard `b` lists it too and keeps it; `/mcp/a` has it",
            "resource template `t://{x}` of shard `a` is left out: shard `b` lists it too and keeps it; `/mcp/a` has it",
        ]
    );
}

#[test]
fn a_uri_that_nobody_lists_goes_to_the_only_shard_with_a_matching_template() {
    let with = |templates: &[&str]| {
        let items: Vec<String> =
            templates.iter().map(|template| format!(r#"{{"uriTemplate":"{template}"}}"#)).collect();
        roster([&[], &[], &[], &items.iter().map(String::as_str).collect::<Vec<_>>()])
    };
    let (a, b) = (with(&["x://{id}", "x://{+path}", "y://{broken"]), with(&["y://{id}", "x://b/{id}"]));
    let (catalogue, _) = merge(None, &[member("a", "a", &a), member("b", "b", &b)]);
    let (first, second) = (Arc::from("a"), Arc::from("b"));
    let cases = [
        ("x://1", Owner::OnlyTemplate(&first)),
        ("y://1", Owner::OnlyTemplate(&second)),
        ("x://b/1", Owner::Ambiguous(vec![&first, &second])),
        ("z://1", Owner::Unknown),
    ];
    for (uri, owner) in cases {
        assert_eq!(catalogue.resource(uri), owner, "{uri}");
    }
}

#[test]
fn caching_hints_are_those_of_the_most_cautious_shard_that_offers_the_list() {
    let hinted = |ttl_ms, public| {
        let mut roster = with_tools(&["t"]);
        roster.modern = true;
        change(&mut roster, List::Tools, |tools| (tools.ttl_ms, tools.public) = (ttl_ms, public));
        roster
    };
    let (long, short, private) = (hinted(9000, true), hinted(50, true), hinted(9000, false));
    let (legacy, without_tools) = (with_tools(&["t"]), roster([&[], &[r#"{"name":"p"}"#], &[], &[]]));
    let declaring = Roster { capabilities: r#"{"tools":{}}"#.into(), ..without_tools.clone() };
    let check = |rosters: &[&Roster], expected: &str| {
        let shards = ["a", "b", "c"];
        let members: Vec<_> = shards.iter().zip(rosters).map(|(shard, roster)| member(shard, shard, roster)).collect();
        let list = text(&merge(None, &members).0, List::Tools, Era::Modern);
        assert!(list.ends_with(expected), "{list}");
    };
    check(&[&long], r#"],"ttlMs":9000,"cacheScope":"public"}"#);
    check(&[&long, &short], r#"],"ttlMs":50,"cacheScope":"public"}"#);
    check(&[&long, &private], r#"],"ttlMs":9000,"cacheScope":"private"}"#);
    check(&[&long, &legacy], r#"],"ttlMs":0,"cacheScope":"private"}"#);
    check(&[&long, &without_tools], r#"],"ttlMs":9000,"cacheScope":"public"}"#);
    check(&[&long, &declaring], r#"],"ttlMs":0,"cacheScope":"private"}"#);
}

#[test]
fn a_generation_changes_with_its_list_and_with_nothing_else() {
    let (a, b) = (with_tools(&["old", "delete_it"]), with_tools(&["t"]));
    let generations = |members: &[Member<'_>]| {
        let catalogue = merge(None, members).0;
        (catalogue.generation(List::Tools), catalogue.generation(List::Prompts))
    };
    let base = [member("a", "a", &a), member("b", "b", &b)];
    let (tools, prompts) = generations(&base);
    assert_eq!(generations(&[base[1], base[0]]), (tools, prompts));

    let mut fetched_again = b.clone();
    change(&mut fetched_again, List::Tools, |tools| tools.generation += 1);
    let prompts_only = roster([&[], &[r#"{"name":"p"}"#], &[], &[]]);
    let cases: [(&str, Vec<Member<'_>>, bool, bool); 5] = [
        ("fetched again", vec![base[0], member("b", "b", &fetched_again)], true, false),
        ("one less", vec![base[0]], true, false),
        ("other prefix", vec![base[0], member("b", "c", &b)], true, false),
        ("other rules", vec![Member { rules: &TestRules, ..base[0] }, base[1]], true, false),
        ("prompts only", vec![base[0], base[1], member("Z", "Z", &prompts_only)], false, true),
    ];
    for (name, members, tools_change, prompts_change) in cases {
        let (tools_now, prompts_now) = generations(&members);
        assert_eq!((tools_now != tools, prompts_now != prompts), (tools_change, prompts_change), "{name}");
    }
}

#[test]
fn a_mistyped_name_finds_the_nearest_ones() {
    let (web, files) =
        (with_tools(&["search", "fetch", "get_a", "get_b", "get_c", "get_d"]), with_tools(&["search_files", "read"]));
    let (catalogue, _) = merge(None, &[member("web", "web", &web), member("files", "files", &files)]);
    let cases: [(&str, &[&str]); 7] = [
        ("web__get", &["web__get_a", "web__get_b", "web__get_c"]),
        ("web__serach", &["web__search"]),
        ("search", &["web__search"]),
        ("WEB_FETCH", &["web__fetch"]),
        ("read", &["files__read"]),
        ("zzz", &[]),
        ("", &[]),
    ];
    for (name, expected) in cases {
        assert_eq!(catalogue.nearest(List::Tools, name), expected, "{name}");
    }
    assert_eq!(catalogue.nearest(List::Tools, &"web__search".repeat(10_000)), [] as [&str; 0]);
}

#[test]
fn instructions_stand_under_the_names_of_their_shards() {
    let with = |text: &str| Roster { instructions: Some(text.into()), ..with_tools(&[]) };
    let (a, b, silent) = (with("Use a."), with("Use b."), with_tools(&[]));
    let (catalogue, _) = merge(None, &[member("b", "", &b), member("c", "c", &silent), member("a", "x", &a)]);
    assert_eq!(catalogue.instructions(), Some("# a\n\nUse a.\n\n# b\n\nUse b."));
}

/// What this thread has had of the processor, in nanoseconds; how busy the machine is does not count.
fn spent() -> u64 {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    schedule.split(' ').next().unwrap().parse().unwrap()
}

/// What it takes to merge forty shards that all want these names, so many times over.
fn cost(names: usize, times: usize) -> u64 {
    let names: Vec<String> = (0..names).map(|tool| format!("tool.{tool}")).collect();
    let roster = with_tools(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let shards: Vec<String> = (0..40).map(|shard| format!("shard{shard}")).collect();
    let members: Vec<_> = shards.iter().map(|shard| member(shard, "", &roster)).collect();
    let before = spent();
    for _ in 0..times {
        let (catalogue, problems) = merge(None, &members);
        assert_eq!((catalogue.exposed(List::Tools).len(), problems.len()), (names.len(), 39 * names.len()));
    }
    spent() - before
}

#[test]
fn one_merge_of_many_tools_costs_what_ten_of_a_tenth_cost() {
    let (ten, one) = (cost(100, 10), cost(1000, 1));
    // If all were compared with all it would be ten times as much.
    assert!(one < 4 * ten, "{one} ns and {ten} ns");
}
