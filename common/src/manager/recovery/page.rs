//! The tables of docs/recovery.md, as they must be.

use std::fmt::Write;

use super::table::{Next, Request, truth};
use crate::{
    findings::{Kind, Policy},
    points::Point,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recovery.md");
const BEGIN: &str = "<!-- written from common/src/manager/recovery/table.rs -->";
const BEGIN_FINDINGS: &str = "<!-- written from common/src/findings.rs -->";
const END: &str = "<!-- end -->";

fn tables() -> String {
    let mut out = format!("{BEGIN}\n### What is true\n| dies at | what is true |\n|---|---|\n");
    for point in Point::ALL {
        let _ = writeln!(out, "| `{point}` | {} |", truth(*point));
    }
    out.push_str("\n### How each request shows its end\n");
    out.push_str(
        "| request | driver calls | done if the backend shows | calls made again | ends |\n|---|---|---|---|---|\n",
    );
    for request in Request::ALL {
        let rule = request.rule();
        let calls: Vec<String> = rule.calls.iter().map(|call| format!("`{call}`")).collect();
        let calls = if calls.is_empty() { "none".to_owned() } else { calls.join(", ") };
        let shown = rule.shown.unwrap_or(if rule.calls.is_empty() { "-" } else { "nothing tells" });
        let _ = writeln!(out, "| {} | {calls} | {shown} | {} | {} |", rule.name, rule.again, rule.end);
    }
    out.push_str("\n### What happens next\n| request |");
    for point in Point::ALL {
        let _ = write!(out, " `{point}` |");
    }
    let _ = writeln!(out, "\n|---|{}", "---|".repeat(Point::ALL.len()));
    for request in Request::ALL {
        let cells: Vec<&str> = Point::ALL.iter().map(|point| request.after(*point).map_or("", word)).collect();
        let _ = writeln!(out, "| {} | {} |", request.rule().name, cells.join(" | "));
    }
    out + END
}

const fn word(next: Next) -> &'static str {
    match next {
        Next::Nothing => "nothing",
        Next::Call => "call",
        Next::LookAndCall => "look, call",
        Next::LookAndFinish => "look, finish",
        Next::CallAgain => "again",
        Next::Ended => "ended",
    }
}

fn findings() -> String {
    let mut out = format!("{BEGIN_FINDINGS}\n| finding | `clean` | by default | looks |\n|---|---|---|---|\n");
    for kind in Kind::ALL {
        let policy = match kind.default_policy() {
            Policy::Report => "`report`",
            Policy::Clean => "`clean`",
        };
        let looks = if kind.is_certain() { "1" } else { "2" };
        let _ = writeln!(out, "| `{kind}` | {} | {policy} | {looks} |", kind.cleaned().unwrap_or("not possible"));
    }
    out + END
}

/// What the document has from `begin` on is `tables`.
fn assert_said(begin: &str, tables: &str) {
    let page = std::fs::read_to_string(PAGE).expect("docs/recovery.md is there");
    let said = page.split_once(begin).and_then(|(_, rest)| rest.split_once(END));
    let (said, _) = said.expect("a place for the tables, between the two marks");
    assert_eq!(format!("{begin}{said}{END}"), tables, "put this between the marks of docs/recovery.md:\n{tables}");
}

#[test]
fn the_document_says_what_the_table_of_recovery_says() {
    assert_said(BEGIN, &tables());
}

#[test]
fn the_document_says_what_is_done_about_each_finding() {
    assert_said(BEGIN_FINDINGS, &findings());
}
