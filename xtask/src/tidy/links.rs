//! Relative links in Markdown lead somewhere.

use std::path::Path;

use super::tree::{Tree, none};

#[test]
fn relative_links_resolve() {
    let tree = Tree::read();
    let mut offenders = Vec::new();
    for file in tree.texts(".md") {
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        for link in targets(&file.text) {
            let path = link.split('#').next().unwrap_or("");
            let inside = match path.strip_prefix('/') {
                Some(rooted) => tree.at(rooted),
                None => tree.root().join(folder).join(path),
            };
            if !path.is_empty() && !inside.exists() {
                offenders.push(format!("{}: {link}", file.path));
            }
        }
    }
    none(&offenders, "these links lead nowhere");
}

/// Targets of `[text](target)` and `[name]: target` outside code, but for those with a scheme.
fn targets(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            for part in prose.split("](").skip(1) {
                found.push(part.split([')', ' ']).next().unwrap_or("").to_owned());
            }
            if let Some((_, target)) = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
                found.push(target.split(' ').next().unwrap_or("").to_owned());
            }
        }
    }
    let relative = |target: &String| !target.contains("://") && !target.starts_with("mailto:") && !target.is_empty();
    found.into_iter().map(|target| target.trim_matches(['<', '>']).to_owned()).filter(relative).collect()
}

#[test]
fn links_are_told_from_code_and_from_the_web() {
    let text = "[a](b.md) and [c](d/#e \"title\"), ![p](p.svg)\n`[no](code)`\n[r]: ref.md\n\
                ```\n[no](fence)\n```\n[w](https://example.org) [m](mailto:x@y) [s](#here)";
    assert_eq!(targets(text), ["b.md", "d/#e", "p.svg", "ref.md", "#here"]);
}
