//! Driver: the volumes that the pool's `filter_function` takes.

use crate::scheduler::{ask::Ask, clipped::Clipped, function::evaluate, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    let function = match pool.filter_function.as_deref() {
        None => return true,
        Some(Err(malformed)) => return why.because(format_args!("its filter_function is malformed: {malformed}")),
        Some(Ok(function)) => function,
    };
    match evaluate(function, ask.given(pool)) {
        Ok(value) if value.holds() => true,
        Ok(_) => why.because(format_args!("its filter_function does not hold: {}", Clipped(function.text()))),
        Err(trouble) => {
            why.because(format_args!("its filter_function fails at {trouble}: {}", Clipped(function.text())))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    fn check(function: &str, gib: u64, reason: Option<&str>) {
        let mut pool = fixture::thick("a");
        pool.filter_function = fixture::function(function);
        let request = Request { size: fixture::gib(gib), ..Request::default() };
        assert_eq!(fixture::reason(Filter::Driver, &pool, &request).as_deref(), reason);
    }

    #[test]
    fn a_pool_without_a_function_takes_every_volume() {
        assert_eq!(fixture::reason(Filter::Driver, &fixture::thick("a"), &Request::default()), None);
    }

    #[test]
    fn the_examples_of_cinders_guide() {
        check("volume.size < 10", 9, None);
        check("volume.size < 10", 10, Some("its filter_function does not hold: \"volume.size < 10\""));
        check("volume.size >= 10", 10, None);
        check("stats.total_capacity_gb < 500", 1, None);
        check(
            "stats.total_capacity_gb >= 500",
            1,
            Some("its filter_function does not hold: \"stats.total_capacity_gb >= 500\""),
        );
        check("capabilities.total_volumes < 250", 1, None);
    }

    #[test]
    fn a_function_without_a_value_fails_the_pool_and_says_where() {
        let said = "its filter_function fails at column 1: this has no value here; defined(...) tells whether it has one: \
                    \"extra.tier == 'gold'\"";
        check("extra.tier == 'gold'", 1, Some(said));
        check(
            "defined(extra.tier) and extra.tier == 'gold'",
            1,
            Some("its filter_function does not hold: \"defined(extra.tier) and extra.tier == 'gold'\""),
        );
        check(
            "volume.size <",
            1,
            Some("its filter_function is malformed: column 14: a value was expected, not the end"),
        );
    }
}
