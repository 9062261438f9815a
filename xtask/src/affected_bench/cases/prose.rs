//! What looks like a change and is none.

use super::{Case, Place, append, case, delete, put};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("prose/readme", [append("README.md", "More.\n")]),
        case("prose/readme-of-common", [append("common/README.md", "More.\n")]),
        case("prose/readme-of-a-driver", [append("drivers/nfs/README.md", "More.\n")]),
        case("prose/documentation", [append("docs/guide.md", "More.\n")]),
        case("prose/documentation-new", [put("docs/other.md", "# Other\n")]).at(Place::WorkTree),
        case("prose/documentation-deleted", [delete("docs/guide.md")]).at(Place::Staged),
        case("prose/licence", [append("LICENSE", "More.\n")]),
        case("prose/formatter", [append("rustfmt.toml", "# A comment.\n")]),
        case("prose/linter", [append("clippy.toml", "# A comment.\n")]),
        case("prose/ignored", [append(".gitignore", "*.tmp\n")]),
        case("prose/file-that-is-ignored", [put("target/x.txt", "x\n")]).at(Place::WorkTree),
        case("prose/two-at-once", [append("LICENSE", "More.\n"), append("README.md", "More.\n")]),
    ]
}
