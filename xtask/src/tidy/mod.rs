//! What holds for the whole tree, as tests: the habits that a compiler does not enforce.
//!
//! They belong to no job of `ci/jobs.toml`, since any change may break them; `cargo xtask test` runs them with the
//! lints, always. Each failure lists all offenders with what to do.

mod codeowners;
mod described;
mod drivers;
mod imports;
mod links;
mod packages;
mod placed;
mod sources;
mod tree;
