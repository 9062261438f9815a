//! The whole service under kills, and at the end of its room. Needs the programs that a build of the workspace makes.

mod kills;
mod room;
