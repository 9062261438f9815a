//! Names that programs trip over.

use super::{Case, Place, case, put};
use crate::affected_bench::workspace::TOO_MUCH;

const ODD: &str = "drivers/lvm/fixtures/odd/";

pub(super) fn cases() -> Vec<Case> {
    let odd = |name: &[u8]| put([ODD.as_bytes(), name].concat(), TOO_MUCH);
    vec![
        case("name/space", [odd(b"a space.txt")]),
        case("name/line-end", [odd(b"a\nline.txt")]).at(Place::Staged),
        case("name/no-utf8", [odd(b"no\xffutf8.txt")]),
        case("name/no-utf8-untracked", [odd(b"new\xfe.txt")]).at(Place::WorkTree),
        case("name/quote-and-tab", [odd(b"a\"b\tc.txt")]),
        case("name/like-an-option", [put("--base", "x\n")]),
        case("name/of-nobody-with-a-line-end", [put("fixtures/a\nb.txt", TOO_MUCH)]),
        case("name/like-a-sibling-folder", [put("drivers/lvm2/fixtures.txt", TOO_MUCH)]),
    ]
}
