//! The one place that starts outside programs.
