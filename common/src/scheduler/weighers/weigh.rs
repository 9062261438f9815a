//! Scores: each weigher's weights brought to one scale, multiplied and added up.
//!
//! As in Cinder, a weight w counts multiplier x (w - least) / (most - least), and 0 where all are equal. What is no number
//! stands one whole scale beyond: no limit above the most, and what is unknown beyond the worst, in either direction.
//! The least and the most do not depend on the order of the pools, nor does the sum, whose order is that of the weighers.

use std::cmp::Ordering;

use super::weigher::{Weigher, Weighing, Weight};
use crate::scheduler::{ask::Ask, pool::PoolView, request::Placement};

/// What one weigher found of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The weigher.
    pub weigher: Weigher,
    /// What it measured; `None` where that is no number.
    pub raw: Option<f64>,
    /// What it adds: the multiplier times the weight on a scale from 0 to 1.
    pub points: f64,
    /// What people should know besides.
    pub note: Option<String>,
}

/// The best of the pools that fit; `None` if there are none.
pub(in crate::scheduler) fn best(pools: &[&PoolView], ask: &Ask<'_>) -> Option<Placement> {
    let totals = totals(pools, ask);
    let best = pools.iter().zip(&totals).min_by(|a, b| better((a.0, *a.1), (b.0, *b.1)))?;
    Some(best.0.placement())
}

/// Every pool with its total and its scores, the best one first.
pub(in crate::scheduler) fn ranked<'a>(pools: &[&'a PoolView], ask: &Ask<'_>) -> Vec<(&'a PoolView, f64, Vec<Score>)> {
    let mut rows: Vec<_> = pools.iter().map(|pool| (*pool, 0.0, Vec::new())).collect();
    for weighing in &ask.policy.weighers {
        let weights = weights(pools, *weighing, ask);
        let scale = Scale::of(&weights, weighing.multiplier);
        for ((pool, total, scores), weight) in rows.iter_mut().zip(weights) {
            let points = scale.points(weight);
            *total += points;
            let raw = match weight {
                Weight::Number(number) => Some(number),
                Weight::Limitless | Weight::Unknown => None,
            };
            scores.push(Score { weigher: weighing.weigher, raw, points, note: weighing.weigher.note(pool, ask) });
        }
    }
    rows.sort_by(|a, b| better((a.0, a.1), (b.0, b.1)));
    rows
}

fn totals(pools: &[&PoolView], ask: &Ask<'_>) -> Vec<f64> {
    let mut totals = vec![0.0; pools.len()];
    for weighing in &ask.policy.weighers {
        let weights = weights(pools, *weighing, ask);
        let scale = Scale::of(&weights, weighing.multiplier);
        for (total, weight) in totals.iter_mut().zip(weights) {
            *total += scale.points(weight);
        }
    }
    totals
}

fn weights(pools: &[&PoolView], weighing: Weighing, ask: &Ask<'_>) -> Vec<Weight> {
    pools.iter().map(|pool| weighing.weigher.weight(pool, ask)).collect()
}

/// The greater total first; equal ones by name, so that the answer is the same each time.
fn better(a: (&PoolView, f64), b: (&PoolView, f64)) -> Ordering {
    let by_name = || a.0.backend.cmp(&b.0.backend).then_with(|| a.0.stats.name.cmp(&b.0.stats.name));
    b.1.total_cmp(&a.1).then_with(by_name)
}

/// From the least weight to the most.
struct Scale {
    least: f64,
    most: f64,
    multiplier: f64,
}

impl Scale {
    fn of(weights: &[Weight], multiplier: f64) -> Self {
        let numbers = weights.iter().filter_map(|weight| match weight {
            Weight::Number(number) => Some(*number),
            Weight::Limitless | Weight::Unknown => None,
        });
        let ends = numbers.fold(None, |ends: Option<(f64, f64)>, number| {
            let (least, most) = ends.unwrap_or((number, number));
            Some((least.min(number), most.max(number)))
        });
        let (least, most) = ends.unwrap_or((0.0, 0.0));
        Self { least, most, multiplier }
    }

    fn points(&self, weight: Weight) -> f64 {
        // Not `most == least`: the difference of two sizes that are close may round to nothing.
        let range = self.most - self.least;
        let on_scale = match weight {
            Weight::Number(number) if range > 0.0 => (number - self.least) / range,
            Weight::Number(_) => 0.0,
            Weight::Limitless => 2.0,
            Weight::Unknown if self.multiplier > 0.0 => -1.0,
            Weight::Unknown => 3.0,
        };
        // Adding zero makes a negative zero a plain one: they are the same number of points.
        self.multiplier * on_scale + 0.0
    }
}

#[cfg(test)]
mod tests;
