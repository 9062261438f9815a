//! Files stay short, and say nothing of the machine they were written on.

use super::tree::{Tree, none};

/// A file that needs more has two subjects.
const MOST_LINES: usize = 600;

#[test]
fn source_files_stay_below_their_limit() {
    let files = Tree::read().texts(".rs");
    assert!(files.len() > 20, "the tree was read");
    let counted = files.iter().map(|file| (&file.path, file.text.lines().count()));
    let offenders: Vec<String> = counted
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    none(&offenders, "split these files (the limit is 600 lines; 300 read best)");
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    // In two halves, so that this file does not name them.
    let roots = [concat!("/wo", "rk/"), concat!("/fa", "rm/")];
    let mut offenders = Vec::new();
    for file in Tree::read().texts("") {
        for (number, line) in file.text.lines().enumerate() {
            if roots.iter().any(|root| names_root(line, root)) {
                offenders.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    none(&offenders, "these lines name a path that exists on one machine only");
}

/// Whether an absolute path begins with `root` in `line`: `a` + `root` + `b` is no such path.
fn names_root(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        !line[..at]
            .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | '}' | ')' | '/'))
    })
}

#[test]
fn only_absolute_paths_count() {
    let root = concat!("/wo", "rk/");
    assert!(names_root(&format!("cd {root}x"), root));
    assert!(!names_root(&format!("cd target{root}x"), root));
    assert!(!names_root(&format!("cd ..{root}x"), root));
}
