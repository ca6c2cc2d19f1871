//! What `tc` refuses, and what netem could not count.

use proptest::prelude::*;

use super::{built, netem};

fn error(json: &str) -> (String, String) {
    let error = built(|cx| netem(json).discipline(cx).err()).unwrap();
    (error.field.unwrap_or_default(), error.message)
}

#[test]
fn says_what_is_wrong() {
    for (json, field, message) in [
        (
            r#"{"reorder": "25%"}"#,
            "reorder",
            "expected a `delay`: without one there is nothing to overtake",
        ),
        (
            r#"{"gap": 5, "delay": "10ms"}"#,
            "gap",
            "expected `reorder` with it",
        ),
        (
            r#"{"gap": 0, "delay": "10ms", "reorder": "1%"}"#,
            "gap",
            "expected at least 1 packet",
        ),
        (
            r#"{"distribution": "normal", "delay": "1ms"}"#,
            "distribution",
            "expected `delay` and `jitter` with a distribution",
        ),
        (
            r#"{"jitter": "3s"}"#,
            "jitter",
            "expected at most 2.147483647s, found 3s",
        ),
        (
            r#"{"rate": "7bps"}"#,
            "rate",
            "expected at least 8bps, found 7bps",
        ),
        (
            r#"{"duplicate": "101%"}"#,
            "duplicate",
            "expected at most 100%, found 101%",
        ),
        (r#"{"slot": {}}"#, "slot.min", "expected a time above 0s"),
        (
            r#"{"slot": {"min": "2ms", "max": "1ms"}}"#,
            "slot.max",
            "expected at least `min`, 2ms, found 1ms",
        ),
        (
            r#"{"slot": {"distribution": "normal", "delay": "1ms"}}"#,
            "slot.jitter",
            "expected a time above 0s with a distribution",
        ),
        (
            r#"{"loss": {"state": {"p13": "60%", "p14": "50%"}}}"#,
            "loss.state.p13",
            "expected at most 100% with `p14`, found 110%",
        ),
        (
            r#"{"loss": {"gemodel": {"p": "101%"}}}"#,
            "loss.gemodel.p",
            "expected at most 100%, found 101%",
        ),
        (
            r#"{"loss": {"random": {"correlation": "101%"}}}"#,
            "loss.random.correlation",
            "expected at most 100%, found 101%",
        ),
    ] {
        assert_eq!(
            error(json),
            (field.to_owned(), message.to_owned()),
            "{json}"
        );
    }
    let json = r#"{"distribution": {"table": "x.dist"}, "delay": "1ms", "jitter": "1ms"}"#;
    let (field, message) = error(json);
    assert_eq!(field, "distribution.table");
    assert!(
        message.starts_with("`x.dist` cannot be read here"),
        "{message}"
    );
}

#[test]
fn files_of_tables_are_read() {
    use super::super::table::Table;
    let parse = |text: &str| Table::parse(text.as_bytes());
    let table = parse("# by maketable\n -32768 -1\t0\n 1 32767\n").unwrap();
    assert_eq!(table.entries(), [-32_768, -1, 0, 1, 32_767]);
    assert_eq!(parse("# nothing\n"), Err("there are no numbers".to_owned()));
    assert_eq!(
        parse("1\n2 x"),
        Err("line 2: `x` is not a whole number from -32768 to 32767".to_owned())
    );
    let long = "7 ".repeat(16_385);
    assert_eq!(
        parse(&long),
        Err("expected at most 16384 numbers, found 16385".to_owned())
    );
}

proptest! {
    #[test]
    fn any_bytes_are_refused_politely(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = super::super::table::Table::parse(&bytes);
    }
}
