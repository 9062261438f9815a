//! An explained placement, for people and for programs.

use std::fmt::Write;

use ashlar_common::scheduler::{Explanation, Scored};
use serde_json::{Value, json};

/// Pools a text shows of each sort at most; JSON has them all.
const SHOWN: usize = 100;

/// For people: a line a pool, the one that would be chosen first.
pub(super) fn text(answer: &Explanation) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write_text(&mut out, answer);
    out
}

fn write_text(out: &mut String, answer: &Explanation) -> std::fmt::Result {
    match answer.chosen() {
        Some(pool) => writeln!(out, "chosen: {pool}")?,
        None if answer.fallen.is_empty() => writeln!(out, "chosen: none; no backend has reported a pool yet")?,
        None => writeln!(out, "chosen: none")?,
    }
    if !answer.fitting.is_empty() {
        writeln!(out, "\n{} fit:", answer.fitting.len())?;
    }
    for (place, scored) in answer.fitting.iter().take(SHOWN).enumerate() {
        writeln!(out, "{:>4}. {}  total {:.4}", place + 1, scored.pool, scored.total)?;
        write_scores(out, scored)?;
    }
    write_more(out, answer.fitting.len())?;
    if !answer.fallen.is_empty() {
        writeln!(out, "\n{} fell:", answer.fallen.len())?;
    }
    for fallen in answer.fallen.iter().take(SHOWN) {
        writeln!(out, "      {}  {}: {}", fallen.pool, fallen.filter, fallen.reason)?;
    }
    write_more(out, answer.fallen.len())
}

fn write_scores(out: &mut String, scored: &Scored) -> std::fmt::Result {
    for score in &scored.scores {
        let raw = score.raw.map_or_else(|| "no number".to_owned(), |raw| raw.to_string());
        let note = score.note.as_deref().map_or_else(String::new, |note| format!("; {note}"));
        writeln!(out, "        {} {:.4}, of {raw}{note}", score.weigher, score.points)?;
    }
    Ok(())
}

fn write_more(out: &mut String, count: usize) -> std::fmt::Result {
    if count > SHOWN {
        writeln!(out, "      and {} more; --format json has them all", count - SHOWN)?;
    }
    Ok(())
}

/// For programs.
pub(super) fn json(answer: &Explanation) -> Value {
    let score = |score: &ashlar_common::scheduler::Score| json!({ "weigher": score.weigher.name(), "raw": score.raw, "points": score.points, "note": score.note });
    let fitting = answer.fitting.iter().map(|scored| {
        let scores: Vec<Value> = scored.scores.iter().map(score).collect();
        json!({ "pool": scored.pool.to_string(), "total": scored.total, "scores": scores })
    });
    let fallen = answer.fallen.iter().map(
        |fallen| json!({ "pool": fallen.pool.to_string(), "filter": fallen.filter.name(), "reason": fallen.reason }),
    );
    json!({
        "chosen": answer.chosen().map(ToString::to_string),
        "fitting": fitting.collect::<Vec<_>>(),
        "fallen": fallen.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use ashlar_common::scheduler::{Explanation, Fallen, Filter, Placement, Score, Scored, Weigher};

    use super::{json, text};

    fn place(pool: &str) -> Placement {
        Placement { backend: "fast".parse().expect("a name"), pool: pool.parse().expect("a name") }
    }

    fn answer() -> Explanation {
        let score =
            |weigher, raw, points, note: Option<&str>| Score { weigher, raw, points, note: note.map(str::to_owned) };
        let scores = vec![
            score(Weigher::Capacity, Some(90.5), 1.0, None),
            score(Weigher::Goodness, Some(0.0), 0.0, Some("it has no goodness_function")),
        ];
        Explanation {
            fitting: vec![Scored { pool: place("a"), total: 1.0, scores }],
            fallen: vec![Fallen {
                pool: place("b"),
                filter: Filter::Capacity,
                reason: "2.00 GiB wanted, 1.00 GiB left to promise".to_owned(),
            }],
        }
    }

    #[test]
    fn people_read_a_line_a_pool() {
        insta::assert_snapshot!(text(&answer()), @r"
        chosen: fast#a

        1 fit:
           1. fast#a  total 1.0000
                CapacityWeigher 1.0000, of 90.5
                GoodnessWeigher 0.0000, of 0; it has no goodness_function

        1 fell:
              fast#b  Capacity: 2.00 GiB wanted, 1.00 GiB left to promise
        ");
    }

    #[test]
    fn a_site_without_reports_is_said() {
        let nothing = Explanation { fitting: Vec::new(), fallen: Vec::new() };
        assert_eq!(text(&nothing), "chosen: none; no backend has reported a pool yet\n");
    }

    #[test]
    fn many_pools_are_counted() {
        let one = answer().fallen.remove(0);
        let many = Explanation { fitting: Vec::new(), fallen: vec![one; 105] };
        let said = text(&many);
        assert!(said.contains("105 fell:") && said.ends_with("and 5 more; --format json has them all\n"), "{said}");
    }

    #[test]
    fn programs_read_every_score() {
        let value = json(&answer());
        assert_eq!(value["chosen"], "fast#a");
        assert_eq!(value["fitting"][0]["scores"][0]["weigher"], "CapacityWeigher");
        assert_eq!(value["fallen"][0]["filter"], "CapacityFilter");
    }
}
