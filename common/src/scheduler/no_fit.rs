//! Why no pool could take a volume.

use std::fmt;

use super::{
    ask::Ask,
    filters::Filter,
    pool::PoolView,
    request::{Placement, Request},
};

/// Reasons a message names at most; the rest is counted.
const SHOWN_REASONS: usize = 6;
/// Pools a message names at most for one reason; the rest is counted.
const SHOWN_POOLS: usize = 4;

/// A pool that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallen {
    /// The pool.
    pub pool: Placement,
    /// The first filter it did not pass.
    pub filter: Filter,
    /// Why, for people.
    pub reason: String,
}

/// No pool fits.
///
/// The pools that came furthest are first: they lack least, so they are what a user acts on. `Display` is one line
/// of bounded length that counts the rest by filter, while `fallen` holds every pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoFit {
    /// Every pool, the one that came furthest first.
    pub fallen: Vec<Fallen>,
}

impl NoFit {
    /// The pools that fall, each with the filter and the reason.
    pub(super) fn among(pools: &[PoolView], ask: &Ask<'_>) -> Self {
        let fallen = pools.iter().filter_map(|pool| {
            let filter = Filter::first_missed(pool, ask)?;
            Some(Fallen { pool: pool.placement(), filter, reason: filter.reason(pool, ask) })
        });
        Self::of(ask.request, fallen.collect())
    }

    /// Sorts what fell, and says so where the one pool that could do is not among the pools at all.
    fn of(request: &Request, mut fallen: Vec<Fallen>) -> Self {
        if let Some((backend, pool)) = &request.only {
            let source = Placement { backend: backend.clone(), pool: pool.clone() };
            if fallen.iter().all(|one| one.pool != source) {
                let reason = "no host reports this pool, and the copy must stay with its source".to_owned();
                fallen.push(Fallen { pool: source, filter: Filter::BackendUp, reason });
            }
        }
        fallen.sort_by(|a, b| b.filter.cmp(&a.filter).then_with(|| a.reason.cmp(&b.reason)).then(a.pool.cmp(&b.pool)));
        Self { fallen }
    }
}

impl std::error::Error for NoFit {}

impl fmt::Display for NoFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fallen.is_empty() {
            return f.write_str("no pool fits: no backend has reported one yet");
        }
        f.write_str("no pool fits: ")?;
        let groups = self.fallen.chunk_by(|a, b| a.filter == b.filter && a.reason == b.reason);
        let mut shown = 0;
        for (position, group) in groups.take(SHOWN_REASONS).enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write_group(f, group)?;
            shown += group.len();
        }
        match self.fallen.get(shown..) {
            None | Some([]) => Ok(()),
            Some(rest) => write_counts(f, rest),
        }
    }
}

/// How many more pools fell at each filter.
fn write_counts(f: &mut fmt::Formatter<'_>, rest: &[Fallen]) -> fmt::Result {
    write!(f, "; and {} more pools, for other reasons: ", rest.len())?;
    for (position, group) in rest.chunk_by(|a, b| a.filter == b.filter).enumerate() {
        let filter = group.first().map(|one| one.filter.to_string()).unwrap_or_default();
        write!(f, "{}{filter} {}", if position > 0 { ", " } else { "" }, group.len())?;
    }
    Ok(())
}

fn write_group(f: &mut fmt::Formatter<'_>, group: &[Fallen]) -> fmt::Result {
    for (position, fallen) in group.iter().take(SHOWN_POOLS).enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{}", fallen.pool)?;
    }
    if group.len() > SHOWN_POOLS {
        write!(f, " and {} more", group.len() - SHOWN_POOLS)?;
    }
    match group.first() {
        Some(first) => write!(f, " ({}): {}", first.filter, first.reason),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fallen, NoFit};
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    fn fell(pool: &str, filter: Filter, reason: &str) -> Fallen {
        Fallen { pool: fixture::place(pool), filter, reason: reason.to_owned() }
    }

    fn check(fallen: Vec<Fallen>, line: &str) {
        assert_eq!(NoFit::of(&Request::default(), fallen).to_string(), line);
    }

    #[test]
    fn the_pools_that_came_furthest_are_named_first() {
        let fallen = vec![
            fell("c", Filter::BackendUp, "down"),
            fell("b", Filter::Capacity, "full"),
            fell("a", Filter::BackendUp, "down"),
        ];
        check(fallen, "no pool fits: fast#b (Capacity): full; fast#a, fast#c (BackendUp): down");
        check(vec![], "no pool fits: no backend has reported one yet");
    }

    #[test]
    fn the_line_stays_short_with_many_pools() {
        let alike = (0..100).map(|n| fell(&format!("p{n:03}"), Filter::Capacity, "full")).collect();
        check(alike, "no pool fits: fast#p000, fast#p001, fast#p002, fast#p003 and 96 more (Capacity): full");
        let filter = |n| if n < 60 { Filter::Capacity } else { Filter::FreshReport };
        let unlike = (0..100).map(|n| fell("p", filter(n), &format!("{n:03} left"))).collect();
        let line = NoFit::of(&Request::default(), unlike).to_string();
        let end = "(Capacity): 005 left; and 94 more pools, for other reasons: Capacity 54, FreshReport 40";
        assert!(line.ends_with(end) && line.len() < 400, "{line}");
    }

    #[test]
    fn a_source_pool_that_nobody_reports_is_said() {
        let request = Request {
            only: Some(("fast".parse().expect("a name"), "gone".parse().expect("a name"))),
            ..Request::default()
        };
        let line = NoFit::of(&request, vec![]).to_string();
        assert_eq!(
            line,
            "no pool fits: fast#gone (BackendUp): no host reports this pool, and the copy must stay with its source"
        );
    }
}
