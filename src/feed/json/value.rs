//! JSON as feeds really hold it.
//!
//! Never fails. A comma too many or too few, a string with quotes in it, an escape that does not exist, half a surrogate
//! pair, `NaN`, an object that was never closed: each costs as little as it can, and [`Document::is_broken`] says that
//! something was mended. Good JSON is read as it is meant, numbers digit by digit.

use std::borrow::Cow;

use memchr::memchr2;

/// Values inside values; what is deeper becomes null. Feeds need 4, and extensions some more.
const DEPTH_MAX: usize = 100;

/// Values that are kept of a document, each some 50 bytes. A feed of as many items as are read has a third of it.
pub const VALUES_MAX: usize = 500_000;
/// Members of the outermost object that are kept whatever stands before them.
const OUTER_MEMBERS_MAX: usize = 1_000;

/// A value of JSON.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`, `true`, `false`, and what is no value at all: nothing in a feed that we read is any of them.
    Nothing,
    /// As written.
    Number(&'a str),
    /// Escapes resolved.
    String(Cow<'a, str>),
    /// In order.
    Array(Vec<Value<'a>>),
    /// By name.
    Object(Object<'a>),
}

/// Names and values in order.
#[derive(Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// What a text held.
#[derive(Debug)]
pub struct Document<'a> {
    /// Without what the text's end cut in two.
    pub value: Value<'a>,
    /// It is no good JSON.
    pub is_broken: bool,
    /// It ends too early.
    pub is_cut: bool,
    /// It holds more than [`VALUES_MAX`]; those behind are left out.
    pub is_too_much: bool,
}

impl<'a> Object<'a> {
    /// The value of a name; the last, as in JavaScript, where it stands there twice.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<'a> Value<'a> {
    /// The object that it is.
    pub fn object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

/// Reads a text as JSON.
pub fn read(text: &str) -> Document<'_> {
    let mut reader =
        Reader { text, at: 0, is_broken: false, is_cut: false, values_left: VALUES_MAX, is_too_much: false };
    reader.skip_space();
    let value = reader.value(0);
    reader.skip_space();
    let is_broken = reader.is_broken || (reader.at < text.len() && !reader.is_cut);
    Document { value, is_broken, is_cut: reader.is_cut, is_too_much: reader.is_too_much }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    is_broken: bool,
    is_cut: bool,
    values_left: usize,
    is_too_much: bool,
}

impl<'a> Reader<'a> {
    /// Whether there is room for one value more.
    fn has_room(&mut self) -> bool {
        let left = self.values_left.checked_sub(1);
        self.is_too_much |= left.is_none();
        self.values_left = left.unwrap_or(0);
        left.is_some()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        let space = rest.len() - rest.trim_start().len();
        // Pasted from a page, there are spaces that JSON does not know.
        self.is_broken |= !rest.as_bytes()[..space].is_ascii();
        self.at += space;
    }

    fn value(&mut self, depth: usize) -> Value<'a> {
        match self.peek() {
            None => {
                self.is_cut = true;
                Value::Nothing
            }
            Some(b'{' | b'[') if depth >= DEPTH_MAX => {
                self.skip();
                Value::Nothing
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Value::String(self.string()),
            Some(_) => self.word(),
        }
    }

    /// Members up to the object's end. Where a value stands in a name's place, an object was never closed: it ends there.
    fn object(&mut self, depth: usize) -> Value<'a> {
        self.at += 1;
        let mut members = Vec::new();
        let mut is_parted = true;
        loop {
            self.skip_space();
            match self.peek() {
                None => self.is_cut = true,
                Some(b'}') => {
                    self.is_broken |= is_parted && !members.is_empty();
                    self.at += 1;
                }
                Some(b']' | b'{' | b'[') => self.is_broken = true,
                Some(b',') => {
                    self.is_broken |= is_parted;
                    is_parted = true;
                    self.at += 1;
                    continue;
                }
                Some(b'"') => {
                    self.is_broken |= !is_parted;
                    is_parted = false;
                    let name = self.string();
                    self.skip_space();
                    if self.peek() == Some(b':') {
                        self.at += 1;
                        self.skip_space();
                        let value = self.value(depth + 1);
                        let is_outer = depth == 0 && members.len() < OUTER_MEMBERS_MAX;
                        if (!self.is_cut || matches!(value, Value::Array(_) | Value::Object(_)))
                            && (self.has_room() || is_outer)
                        {
                            members.push((name, value));
                        }
                    } else {
                        self.is_broken = true;
                    }
                    if !self.is_cut {
                        continue;
                    }
                }
                Some(_) => {
                    self.is_broken = true;
                    self.skip_rubbish();
                    continue;
                }
            }
            return Value::Object(Object(members));
        }
    }

    fn array(&mut self, depth: usize) -> Value<'a> {
        self.at += 1;
        let mut items = Vec::new();
        let mut is_parted = true;
        loop {
            self.skip_space();
            match self.peek() {
                None => self.is_cut = true,
                Some(b']') => {
                    self.is_broken |= is_parted && !items.is_empty();
                    self.at += 1;
                }
                Some(b'}') => {
                    self.is_broken = true;
                    // Between items a bracket too many; elsewhere the array was never closed.
                    let behind = self.text[self.at + 1..].trim_start();
                    let behind = behind.strip_prefix(',').map_or(behind, str::trim_start);
                    if depth == 1 && behind.starts_with('{') {
                        self.at += 1;
                        continue;
                    }
                }
                Some(b',') => {
                    self.is_broken |= is_parted;
                    is_parted = true;
                    self.at += 1;
                    continue;
                }
                Some(b':') => {
                    self.is_broken = true;
                    self.at += 1;
                    continue;
                }
                Some(_) => {
                    self.is_broken |= !is_parted;
                    is_parted = false;
                    let item = self.value(depth + 1);
                    if !self.is_cut {
                        if self.has_room() {
                            items.push(item);
                        }
                        continue;
                    }
                }
            }
            return Value::Array(items);
        }
    }

    /// A number, a word, or what should have been one.
    fn word(&mut self) -> Value<'a> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"'));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        // The end may have cut it.
        self.is_cut |= end.is_none();
        if word.is_empty() {
            // A colon in a value's place, or what ends the parent.
            self.is_broken = true;
            self.at += usize::from(rest.starts_with(':'));
            return Value::Nothing;
        }
        let digits = word.strip_prefix('-').unwrap_or(word);
        if digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        {
            return Value::Number(word);
        }
        self.is_broken |= !matches!(word, "null" | "true" | "false");
        Value::Nothing
    }

    /// What stands in a name's place and is none.
    fn skip_rubbish(&mut self) {
        let rest = &self.text[self.at..];
        let mut chars = rest.char_indices().skip(1);
        let end = chars.find(|(_, c)| matches!(c, ',' | '{' | '}' | '[' | ']' | '"')).map_or(rest.len(), |(at, _)| at);
        self.at += end;
    }

    /// Goes past a value that is too deep.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
        self.is_cut = true;
    }

    fn string(&mut self) -> Cow<'a, str> {
        self.at += 1;
        let start = self.at;
        let mut out = String::new();
        let mut kept = start;
        let bytes = self.text.as_bytes();
        while let Some(found) = memchr2(b'"', b'\\', &bytes[self.at..]) {
            let at = self.at + found;
            self.is_broken |= bytes[self.at..at].iter().any(|b| *b < b' ');
            if bytes[at] == b'\\' {
                out.push_str(&self.text[kept..at]);
                self.at = at + 1;
                self.escape(&mut out);
                kept = self.at;
            } else if self.ends_string(at + 1) {
                self.at = at + 1;
                let rest = &self.text[kept..at];
                return if out.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(out + rest) };
            } else {
                self.is_broken = true;
                self.at = at + 1;
            }
        }
        (self.at, self.is_cut) = (bytes.len(), true);
        Cow::Borrowed("")
    }

    /// Whether a quote before `at` ends a string, rather than standing in it: by what comes next.
    fn ends_string(&self, at: usize) -> bool {
        let rest = self.text[at..].trim_start();
        let Some(next) = rest.as_bytes().first() else { return true };
        match next {
            b':' | b'}' | b']' => true,
            // A comma was left out; but `"He said "no"",` ends with the second of two.
            b'"' => {
                let behind = rest[1..].trim_start();
                rest.len() < self.text.len() - at || !behind.starts_with([',', ':', '}', ']'])
            }
            b',' => {
                let behind = rest[1..].trim_start();
                let is_word = ["null", "true", "false", "NaN"].iter().any(|word| behind.starts_with(word));
                behind.is_empty()
                    || behind.starts_with(|c: char| {
                        matches!(c, '"' | '{' | '[' | '}' | ']' | ',' | '-') || c.is_ascii_digit()
                    })
                    || is_word
            }
            _ => false,
        }
    }

    fn escape(&mut self, out: &mut String) {
        let rest = &self.text[self.at..];
        let Some(c) = rest.chars().next() else { return };
        self.at += c.len_utf8();
        out.push(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '"' | '\\' | '/' => c,
            'u' => match hex(&rest[1..]) {
                Some(unit) => {
                    self.at += 4;
                    self.unit(unit)
                }
                None => {
                    self.is_broken = true;
                    'u'
                }
            },
            c => {
                self.is_broken = true;
                c
            }
        });
    }

    /// The letter of a UTF-16 unit, with the one behind it where the two are one.
    fn unit(&mut self, unit: u16) -> char {
        let low = self.text[self.at..].strip_prefix("\\u").and_then(hex);
        let units = [unit, low.unwrap_or(0)];
        match char::decode_utf16(units).next() {
            Some(Ok(c)) => {
                if c.len_utf16() == 2 {
                    self.at += 6;
                }
                c
            }
            _ => {
                self.is_broken = true;
                char::REPLACEMENT_CHARACTER
            }
        }
    }
}

fn hex(text: &str) -> Option<u16> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn plain(value: &Value<'_>) -> serde_json::Value {
        match value {
            Value::Nothing => serde_json::Value::Null,
            Value::Number(digits) => format!("#{digits}").into(),
            Value::String(text) => text.as_ref().into(),
            Value::Array(items) => items.iter().map(plain).collect(),
            Value::Object(object) => object.0.iter().map(|(name, value)| (name.to_string(), plain(value))).collect(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: serde_json::Value, is_broken: bool) {
        let document = read(text);
        assert_eq!((plain(&document.value), document.is_broken), (expected, is_broken), "{text}");
        assert!(!document.is_cut, "{text}");
    }

    use serde_json::json;

    #[test]
    fn good_json_is_read_as_it_is_meant() {
        check(
            r#" {"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00", null, true], "b": {}, "c": []} "#,
            json!({"a": ["#1", "#-2.5e3", "x\né😀", null, null], "b": {}, "c": []}),
            false,
        );
        check(r#"{"id": 123456789012345678901234567890}"#, json!({"id": "#123456789012345678901234567890"}), false);
        check(r#"["a\"", "b, \"c\"", "d:", "}"]"#, json!(["a\"", "b, \"c\"", "d:", "}"]), false);
    }

    #[test]
    fn what_is_broken_costs_little() {
        check(r#"[{"a": "\ud83d x"}, {"a": "don\'t"}]"#, json!([{"a": "\u{fffd} x"}, {"a": "don't"}]), true);
        check(r#"{"a": NaN, "b": undefined, "c": "d"}"#, json!({"a": null, "b": null, "c": "d"}), true);
        check(r#"{"a": 1 "b": 2,, "c": [1,2,],}"#, json!({"a": "#1", "b": "#2", "c": ["#1", "#2"]}), true);
        check(r#"[{"a": 1} {"a": 2}]"#, json!([{"a": "#1"}, {"a": "#2"}]), true);
        check(r#"[{"a": 1, {"a": 2}]"#, json!([{"a": "#1"}, {"a": "#2"}]), true);
        check(
            r#"[{"a": "He said "no", and left", "b": "c"}]"#,
            json!([{"a": "He said \"no\", and left", "b": "c"}]),
            true,
        );
        check("[{\"a\": \"x\ny\"}]", json!([{"a": "x\ny"}]), true);
        check(r#"[{a: 1, "b": 2}]"#, json!([{"b": "#2"}]), true);
        check("{\u{a0}\"b\": \u{a0}1, \u{a0}: 2, \"c\": \u{3000}\"d\"}", json!({"b": "#1", "c": "d"}), true);
        check(
            r#"[{"a": }, {"a":: 1}, {"a": , "b": 2}]"#,
            json!([{"a": null}, {"a": null}, {"a": null, "b": "#2"}]),
            true,
        );
        check(r#"{"a": 1} <!-- x -->"#, json!({"a": "#1"}), true);
        check(r#"[{"a": [1, 2}, {"b": 3}]"#, json!([{"a": ["#1", "#2"]}, {"b": "#3"}]), true);
        check(r#"{"a": [{"b": 1}}, {"b": 2}]}"#, json!({"a": [{"b": "#1"}, {"b": "#2"}]}), true);
        check(r#"{"a": "he said "no"", "b": ""}"#, json!({"a": "he said \"no\"", "b": ""}), true);
        let deep = format!("{{\"a\": {}{}, \"b\": 1}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep).value.object().and_then(|object| object.get("b")), Some(&Value::Number("1")));
    }

    #[test]
    fn what_is_too_much_is_left_out() {
        let text = format!("{{\"a\": [0{}], \"b\": {{\"c\": 1}}, \"d\": 2}}", ",0".repeat(VALUES_MAX));
        let document = read(&text);
        let root = document.value.object().unwrap();
        let Some(Value::Array(items)) = root.get("a") else { panic!() };
        assert_eq!((items.len(), document.is_too_much, document.is_broken), (VALUES_MAX, true, false));
        assert_eq!(
            (root.get("b"), root.get("d")),
            (Some(&Value::Object(Object::default())), Some(&Value::Number("2")))
        );
    }

    #[test]
    fn what_the_end_cut_is_left_out() {
        for (text, expected) in [
            (r#"{"a": [{"b": 1}, {"b": 2"#, json!({"a": [{"b": "#1"}]})),
            (r#"{"a": [{"b": 1}, {"b": "2"#, json!({"a": [{"b": "#1"}]})),
            (r#"{"a": [{"b": 1}], "c": "d"#, json!({"a": [{"b": "#1"}]})),
            (r#"{"a": [{"b": 1}], "c"#, json!({"a": [{"b": "#1"}]})),
            (r#"{"a": [{"b": 1}"#, json!({"a": [{"b": "#1"}]})),
        ] {
            let document = read(text);
            assert_eq!((plain(&document.value), document.is_cut), (expected, true), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_back(text in "[\\PC\"\\\\\n]{0,20}", number: i64, names in prop::collection::btree_set("[a-z\", :}]{1,4}", 0..4)) {
            let object: serde_json::Map<String, serde_json::Value> = names.iter().map(|name| (name.clone(), json!([text, number, {"x": text}]))).collect();
            let document = read_owned(&serde_json::Value::Object(object.clone()).to_string());
            let expected: serde_json::Map<String, serde_json::Value> = names.iter().map(|name| (name.clone(), json!([text, format!("#{number}"), {"x": text}]))).collect();
            prop_assert_eq!(document, (serde_json::Value::Object(expected), false, false));
        }

        #[test]
        fn any_text_is_read(text in "([\\[\\]{}:,\"\\\\a1]|\\\\u|d83d| |\\PC){0,60}") {
            let _ = read(&text);
        }
    }

    fn read_owned(text: &str) -> (serde_json::Value, bool, bool) {
        let document = read(text);
        (plain(&document.value), document.is_broken, document.is_cut)
    }

    #[test]
    fn reading_takes_time_in_proportion() {
        for piece in ["[", "{", "\"", "\"a ", "{\"a\":", "\\", ",", "\" x", "[\"", "}", "\"\n\n\n"] {
            let text = format!("{{\"a\": {}", piece.repeat(400_000 / piece.len()));
            let started = std::time::Instant::now();
            let _ = read(&text);
            assert!(started.elapsed().as_secs() < 5, "{piece}: {:?}", started.elapsed());
        }
    }
}
