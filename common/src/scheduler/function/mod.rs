//! `filter_function` and `goodness_function`: small expressions by which a backend says which volumes it takes, and how
//! gladly.
//!
//! The language is Cinder's, read and evaluated here: no crate at hand has its operators, its lazy `and`/`or` and a bound
//! on everything. A text is parsed once into a [`Function`]; evaluating it allocates nothing and cannot fail otherwise
//! than by [`Trouble`]. There are no loops, so an evaluation takes at most as many steps as the tree has nodes, and the
//! parser bounds those, the nesting and the length.
//!
//! docs/scheduling.md has the language for those who write it, and where it differs from Cinder's.

mod error;
mod eval;
mod parse;
mod token;
mod tree;
mod value;
mod variable;

#[cfg(test)]
mod tests;

pub use error::Malformed;
pub use tree::{Function, Parsed};

pub(super) use eval::{Trouble, evaluate};
pub(super) use value::Value;
pub(super) use variable::Given;
