//! A plan as text, as JSON, and as a GitHub matrix. The same plan gives the same bytes.

pub mod github;
pub mod json;
mod steps;
pub mod text;

pub use steps::chain;

#[cfg(test)]
mod tests;
