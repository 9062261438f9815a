//! Goodness: how gladly the pool takes the volume, from 0 to 100, by its `goodness_function`.
//!
//! As in Cinder, yes is 100 and no is 0, and a pool without a function, or whose function fails or goes beyond the scale,
//! has 0.

use super::weigher::Weight;
use crate::scheduler::{
    ask::Ask,
    function::{Value, evaluate},
    pool::PoolView,
};

pub(super) fn weight(pool: &PoolView, ask: &Ask<'_>) -> Weight {
    Weight::Number(rated(pool, ask).unwrap_or(0.0))
}

/// The rating, or why there is none.
pub(super) fn goodness(pool: &PoolView, ask: &Ask<'_>) -> Result<f64, String> {
    rated(pool, ask).map_err(|not| match not {
        NotRated::NoFunction => "it has no goodness_function".to_owned(),
        NotRated::Malformed(what) => format!("its goodness_function is malformed: {what}"),
        NotRated::Fails(what) => format!("its goodness_function fails at {what}"),
        NotRated::Text => "its goodness_function gives a text".to_owned(),
        NotRated::BeyondScale(number) => format!("its goodness_function gives {number}, which is not within 0 and 100"),
    })
}

enum NotRated<'a> {
    NoFunction,
    Malformed(&'a crate::scheduler::function::Malformed),
    Fails(crate::scheduler::function::Trouble),
    Text,
    BeyondScale(f64),
}

fn rated<'a>(pool: &'a PoolView, ask: &Ask<'a>) -> Result<f64, NotRated<'a>> {
    let function = match pool.goodness_function.as_deref() {
        None => return Err(NotRated::NoFunction),
        Some(Err(malformed)) => return Err(NotRated::Malformed(malformed)),
        Some(Ok(function)) => function,
    };
    match evaluate(function, ask.given(pool)) {
        Err(trouble) => Err(NotRated::Fails(trouble)),
        Ok(Value::Flag(flag)) => Ok(if flag { 100.0 } else { 0.0 }),
        Ok(Value::Number(number)) if (0.0..=100.0).contains(&number) => Ok(number),
        Ok(Value::Number(number)) => Err(NotRated::BeyondScale(number)),
        Ok(Value::Text(_)) => Err(NotRated::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::goodness;
    use crate::scheduler::{ask::Ask, fixture, policy::Policy, request::Request};

    fn check(function: &str, gib: u64, expected: Result<f64, &str>) {
        let mut pool = fixture::thick("a");
        pool.goodness_function = fixture::function(function);
        let (request, policy) = (Request { size: fixture::gib(gib), ..Request::default() }, Policy::default());
        let found = goodness(&pool, &Ask::new(&request, &policy));
        assert_eq!(found.as_ref().map_err(String::as_str), expected.as_ref().map_err(|reason| *reason), "{function}");
    }

    #[test]
    fn the_examples_of_cinders_guide() {
        check("(volume.size < 5) ? 100 : 50", 10, Ok(50.0));
        check("(volume.size >= 5) ? 100 : 25", 10, Ok(100.0));
        check("(volume.size < 5) ? 100 : 50", 3, Ok(100.0));
        check("(volume.size >= 5) ? 100 : 25", 3, Ok(25.0));
        check("(capabilities.total_volumes < 3) ? 100 : 50", 1, Ok(100.0));
        check("55", 1, Ok(55.0));
    }

    #[test]
    fn what_is_no_rating_is_said() {
        check("volume.size == 1", 1, Ok(100.0));
        check("volume.size == 1", 2, Ok(0.0));
        check("101", 1, Err("its goodness_function gives 101, which is not within 0 and 100"));
        check("-1", 1, Err("its goodness_function gives -1, which is not within 0 and 100"));
        check("'good'", 1, Err("its goodness_function gives a text"));
        check("1 / 0", 1, Err("its goodness_function fails at column 5: division by zero"));
        check("1 +", 1, Err("its goodness_function is malformed: column 4: a value was expected, not the end"));
    }
}
