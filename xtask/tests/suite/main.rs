//! The commands as people and CI call them: the executable, in generated workspaces.

mod affected;
mod check;
mod ci;
mod evidence;
mod examples;
mod kept;
mod lab;
mod manifests;
mod mentions;
mod repo;
mod trees;
mod wrong_use;
