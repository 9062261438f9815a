//! The tools of LVM, spoken to through their shell.
