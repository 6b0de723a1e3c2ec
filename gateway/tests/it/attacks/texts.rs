//! The attacks, as the bytes that a client sends.

use super::DENIED;

/// One body or line.
pub(super) struct Attack {
    pub(super) what: &'static str,
    pub(super) text: Vec<u8>,
}

/// A whole request for the denied tool.
const INNER: &str = r#"{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"get_current_time","arguments":{"timezone":"UTC"}}}"#;
const GOOD: &str = r#""name":"time__convert_time""#;
const ARGUMENTS: &str =
    r#""arguments":{"timezone":"UTC","source_timezone":"UTC","time":"12:00","target_timezone":"UTC"}"#;

/// All of them, for an era: `meta` holds the members of `_meta`, each with a comma behind it.
pub(super) fn attacks(meta: &str) -> Vec<Attack> {
    let request = Request { meta };
    let families = [request.smuggled(), request.named(), request.read_twice(), request.elsewhere()];
    families.into_iter().flatten().collect()
}

struct Request<'m> {
    meta: &'m str,
}

impl Request<'_> {
    /// `_meta` with one more member.
    fn meta(&self, more: &str) -> String {
        format!(r#""_meta":{{{}"x":{more}}}"#, self.meta)
    }

    /// A request for `tools/call` with these members of `params`, and what goes before and behind them at the top.
    fn call(&self, params: &str) -> String {
        self.top(&format!(r#""id":1,"method":"tools/call","params":{{{params},{}}}"#, self.meta("1")))
    }

    fn top(&self, members: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0",{members}}}"#)
    }

    /// A second message inside the first, between line breaks of any kind.
    fn smuggled(&self) -> Vec<Attack> {
        let mut found = Vec::new();
        for end in [
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "\n\r\n",
            "\u{2028}",
            "\u{2029}",
            "\u{85}",
            "\u{b}",
            "\u{c}",
            "\0",
            "\u{feff}\n",
        ] {
            let inner = format!("{end}{INNER}{end}");
            let escaped = inner.replace('\\', r"\\").replace('"', r#"\""#);
            let texts = [
                ("in arguments", self.call(&format!(r#"{GOOD},"arguments":{{"x":{inner}}}"#))),
                ("as arguments", self.call(&format!(r#"{GOOD},"arguments":{inner}"#))),
                ("in an array", self.call(&format!(r#"{GOOD},"arguments":{{"x":[{inner},{inner}]}}"#))),
                ("behind a key", self.call(&format!(r#"{GOOD},"arguments":{{"x"{end}:{inner}}}"#))),
                ("in a string", self.call(&format!(r#"{GOOD},"arguments":{{"x":"{escaped}"}}"#))),
                ("in a key", self.call(&format!(r#"{GOOD},"arguments":{{"{escaped}":1}}"#))),
                ("in the name", self.call(&format!(r#""name":"time__convert_time{escaped}",{ARGUMENTS}"#))),
                ("in an unknown parameter", self.call(&format!(r#"{GOOD},{ARGUMENTS},"x":{inner}"#))),
                ("in a task", self.call(&format!(r#"{GOOD},{ARGUMENTS},"task":{inner}"#))),
                (
                    "beside the parameters",
                    self.call(&format!(r"{GOOD},{ARGUMENTS}")).replacen('{', &format!(r#"{{"x":{inner},"#), 1),
                ),
                (
                    "in _meta",
                    self.top(&format!(
                        r#""id":1,"method":"tools/call","params":{{{GOOD},{ARGUMENTS},{}}}"#,
                        self.meta(&inner)
                    )),
                ),
                ("in the progress token", self.with_meta(&format!(r#""progressToken":"{escaped}""#))),
                ("as the progress token", self.with_meta(&format!(r#""progressToken":{inner}"#))),
                ("as the id", self.call(GOOD).replacen(r#""id":1"#, &format!(r#""id":{inner}"#), 1)),
                ("in the id", self.call(GOOD).replacen(r#""id":1"#, &format!(r#""id":"{escaped}""#), 1)),
                ("in the method", self.call(GOOD).replacen("tools/call", &escaped, 1)),
                ("behind the message", self.call(GOOD) + &inner),
                ("before the message", inner.clone() + &self.call(GOOD)),
                (
                    "in a cancellation",
                    self.top(&format!(
                        r#""method":"notifications/cancelled","params":{{"requestId":"{escaped}","reason":{inner}}}"#
                    )),
                ),
                (
                    "in a notification",
                    self.top(&format!(
                        r#""method":"notifications/progress","params":{{"progressToken":1,"x":{inner}}}"#
                    )),
                ),
                ("in a response", self.top(&format!(r#""id":1,"result":{{"x":{inner}}}"#))),
            ];
            found.extend(texts.map(|(what, text)| Attack { what, text: text.into_bytes() }));
        }
        found
    }

    /// A call with this in `_meta` as well.
    fn with_meta(&self, member: &str) -> String {
        let meta = format!(r#""_meta":{{{}{member}}}"#, self.meta);
        self.top(&format!(r#""id":1,"method":"tools/call","params":{{{GOOD},{ARGUMENTS},{meta}}}"#))
    }

    /// Other spellings of the tool's name, JSON text.
    fn named(&self) -> Vec<Attack> {
        let names = [
            "get_current_time",
            "time__get_current_time",
            r"time__get_current_\u0074ime",
            r"\u0074ime__get_current_time",
            r"get_current_\u0074ime",
            "time/get_current_time",
            "time:get_current_time",
            "time.get_current_time",
            "time_get_current_time",
            "time___get_current_time",
            "__get_current_time",
            "time__time__get_current_time",
            "time__convert_time/../get_current_time",
            " time__get_current_time",
            "time__get_current_time ",
            r"time__get_current_time\u0000",
            r"time__get_current_time\n",
            r"time__convert_time\u0000get_current_time",
            "TIME__GET_CURRENT_TIME",
            "time__Get_Current_Time",
            "time__get-current-time",
            "time__get_current_time\u{200b}",
            "time__g\u{435}t_current_time",
            r"time__get_current_\ud83dtime",
        ];
        let mut found: Vec<_> =
            names.iter().map(|name| self.call(&format!(r#""name":"{name}",{ARGUMENTS}"#))).collect();
        for value in [format!(r#"["{DENIED}"]"#), format!(r#"{{"name":"{DENIED}"}}"#), "null".into(), "1".into()] {
            found.push(self.call(&format!(r#""name":{value},{ARGUMENTS}"#)));
        }
        found.into_iter().map(|text| Attack { what: "another spelling", text: text.into_bytes() }).collect()
    }

    /// Messages that two readers read in two ways.
    fn read_twice(&self) -> Vec<Attack> {
        let mut found = Vec::new();
        for denied in [DENIED, "time__get_current_time"] {
            for key in [
                "name",
                r"n\u0061me",
                r"\u006eame",
                "Name",
                "NAME",
                "nAmE",
                r"NAM\u0045",
                " name",
                "name ",
                r"name\u0000",
            ] {
                let bad = format!(r#""{key}":"{denied}""#);
                found.push(self.call(&format!("{GOOD},{bad},{ARGUMENTS}")));
                found.push(self.call(&format!("{bad},{GOOD},{ARGUMENTS}")));
                found.push(self.call(&format!("{bad},{ARGUMENTS}")));
                found.push(self.call(&format!("{bad},{GOOD},{bad},{ARGUMENTS}")));
            }
            let bad = format!(r#"{{"name":"{denied}",{ARGUMENTS},{}}}"#, self.meta("1"));
            for key in ["params", r"param\u0073", "Params", "PARAMS", "param\u{17f}", r"param\u017f"] {
                found.push(self.call(GOOD).replacen('{', &format!(r#"{{"{key}":{bad},"#), 1));
                found.push(self.call(GOOD).replacen(r#""id":1"#, &format!(r#""id":1,"{key}":{bad}"#), 1));
                found.push(self.top(&format!(r#""id":1,"method":"tools/call","{key}":{bad}"#)));
            }
            for key in ["method", r"metho\u0064", "Method"] {
                let listing = format!(r#""id":1,"method":"tools/list","{key}":"tools/call","params":{bad}"#);
                found.push(self.top(&listing));
            }
            // Kelvin signs and long s in the keys of what else is read.
            for key in ["tas\u{212a}Id", "ta\u{17f}kId", "argument\u{17f}", "reque\u{17f}tId", "inputRe\u{17f}ponses"] {
                found.push(self.call(&format!(r#"{GOOD},{ARGUMENTS},"{key}":{bad}"#)));
            }
        }
        found.into_iter().map(|text| Attack { what: "read twice", text: text.into_bytes() }).collect()
    }

    /// The name where it does not belong, and messages that are no plain request.
    fn elsewhere(&self) -> Vec<Attack> {
        let meta = self.meta("1");
        let bad = format!(r#"{{"name":"{DENIED}",{ARGUMENTS},{meta}}}"#);
        let mut found = vec![
            self.call(&format!(r#"{GOOD},"arguments":{{"name":"{DENIED}","params":{bad}}}"#)),
            self.call(&format!(r#"{GOOD},{ARGUMENTS},"params":{bad},"ref":{{"type":"ref/tool","name":"{DENIED}"}}"#)),
            self.top(&format!(r#""method":"tools/call","params":{bad}"#)),
            self.top(&format!(r#""id":null,"method":"tools/call","params":{bad}"#)),
            self.top(&format!(r#""id":1,"method":"tools/call","result":{{}},"params":{bad}"#)),
            format!("[{},{INNER}]", self.call(&format!("{GOOD},{ARGUMENTS}"))),
            format!("[{INNER}]"),
            format!("[[{INNER}]]"),
            format!("[{{\"x\":1}},\n{INNER}\n]"),
            INNER.to_owned(),
            INNER.replace(DENIED, "time__get_current_time"),
        ];
        for method in [
            "Tools/Call",
            "tools/call ",
            r"tools\/call",
            r"tools/c\u0061ll",
            "tools/call/",
            "prompts/get",
            "time__tools/call",
        ] {
            found.push(self.top(&format!(r#""id":1,"method":"{method}","params":{bad}"#)));
        }
        let completion = format!(r#"{{"ref":{{"type":"ref/prompt","name":"{DENIED}"}},"name":"{DENIED}",{meta}}}"#);
        found.push(self.top(&format!(r#""id":1,"method":"completion/complete","params":{completion}"#)));
        let mut found: Vec<Vec<u8>> = found.into_iter().map(String::into_bytes).collect();
        // Bytes that are no UTF-8: overlong quotes and slashes, and a byte order mark of UTF-16.
        let latin = |bytes: &[u8]| {
            [br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_current_time"#, bytes, br#""}}"#]
                .concat()
        };
        found.extend([
            latin(b"\xc0\xa2"),
            latin(b"\xff"),
            latin(b"\xed\xa0\xbd"),
            [b"\xff\xfe", INNER.as_bytes()].concat(),
        ]);
        found.into_iter().map(|text| Attack { what: "elsewhere", text }).collect()
    }
}
