//! The commands as people and CI call them: the executable, in generated workspaces.

mod affected;
mod ci;
mod manifests;
mod repo;
mod trees;
