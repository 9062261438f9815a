//! A plan as text, as JSON, and in the forms of CI systems. The same plan gives the same bytes.

pub mod buildkite;
pub mod filterset;
pub mod github;
pub mod gitlab;
pub mod json;
mod steps;
pub mod text;
pub mod zuul;

pub use steps::{chain, step};

#[cfg(test)]
mod tests;
