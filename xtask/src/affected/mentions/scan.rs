//! The texts in one source file that may be paths. Tokens are looked at, not items, so that what lies in a macro or
//! behind a `cfg` is seen as well.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::{Deserialize, Serialize};

/// No path is longer.
const LONGEST: usize = 512;
/// What tells a program where its own package lies.
const OWN_PLACE: [&str; 3] = ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_WORKSPACE_DIR"];
/// What makes a path of a text, or opens it.
const TAKES_PATH: [&str; 7] = ["join", "push", "new", "from", "read_dir", "open", "canonicalize"];
/// A text is not repeated more often: what still leads somewhere has fewer folders above it.
const MOST_TIMES: usize = 64;
/// A larger file is not taken apart.
const LARGEST: usize = 4 << 20;

/// What one source file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its texts that may be paths, or the ends of such.
    pub texts: Texts,
    /// Whether it climbs from where its package lies, or asks git: it may read anything.
    pub climbs: bool,
    /// Whether it makes a path of `".."` alone. In a test or a build script, which run in their package's folder, that is
    /// climbing as well.
    pub dots: bool,
}

/// Texts without the end of a line in them, each once and in order; one piece of memory, since there are thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Texts(String);

impl Texts {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.lines()
    }
}

impl FromIterator<String> for Texts {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        Self(texts.into_iter().flat_map(|text| [text, "\n".to_owned()]).collect())
    }
}

impl Said {
    /// What is said by a file that cannot be read.
    #[must_use]
    pub fn anything() -> Self {
        Self { climbs: true, ..Self::default() }
    }
}

/// Reads one file. What is no Rust, or too large, is taken to climb.
#[must_use]
pub fn scan(source: &[u8]) -> Said {
    let text = std::str::from_utf8(source).ok().filter(|text| text.len() <= LARGEST);
    let Some(tokens) = text.and_then(|text| text.parse::<TokenStream>().ok()) else { return Said::anything() };
    let mut seen = Seen::default();
    seen.tokens(tokens);
    let climbs = (seen.own_place && (seen.goes_up || seen.dots)) || seen.asks_git;
    Said { texts: seen.texts.into_iter().collect(), climbs, dots: seen.dots }
}

#[derive(Default)]
struct Seen {
    texts: BTreeSet<String>,
    own_place: bool,
    goes_up: bool,
    dots: bool,
    asks_git: bool,
}

impl Seen {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        // `#[doc = "..."]` is what a comment becomes.
        let mut after_doc = false;
        let mut takes_path = false;
        while let Some(token) = tokens.next() {
            let after_taker = std::mem::take(&mut takes_path);
            match token {
                TokenTree::Group(group) => {
                    self.dots |= after_taker && is_dots(group.stream());
                    self.tokens(group.stream());
                }
                TokenTree::Ident(name) if TAKES_PATH.iter().any(|taker| name == taker) => takes_path = true,
                TokenTree::Ident(name) if name == "doc" => {
                    after_doc = true;
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == '=' && after_doc => continue,
                TokenTree::Ident(name) if name == "parent" || name == "ancestors" || name == "pop" => {
                    self.goes_up = true
                }
                TokenTree::Ident(name) if name == "current_dir" => {
                    // Without an argument it asks; with one it tells a program where to run.
                    let asks = matches!(tokens.peek(), Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Parenthesis && group.stream().is_empty());
                    self.own_place |= asks;
                    takes_path = true;
                }
                TokenTree::Literal(literal) if !after_doc => {
                    self.literal(&literal.to_string(), repeated(tokens.clone()).unwrap_or(1));
                }
                _ => {}
            }
            after_doc = false;
        }
    }

    fn literal(&mut self, written: &str, times: usize) {
        let Some(text) = value(written) else { return };
        let text = if text.contains("..") { text.repeat(times) } else { text };
        self.own_place |= OWN_PLACE.contains(&text.as_str());
        self.asks_git |= text == "git" || text.starts_with("git ") || text.split('/').any(|part| part == ".git");
        if may_be_path(&text) {
            self.texts.insert(text);
        }
    }
}

/// How often a literal's text follows itself, by what comes after it: `.repeat(16)`. `"../"` alone names all of a
/// workspace, while so many of them lead out of it. `None` where no number is written there, or a large one.
fn repeated(mut after: impl Iterator<Item = TokenTree>) -> Option<usize> {
    let (Some(TokenTree::Punct(dot)), Some(TokenTree::Ident(method))) = (after.next(), after.next()) else {
        return None;
    };
    let Some(TokenTree::Group(arguments)) = after.next() else { return None };
    let mut arguments = arguments.stream().into_iter();
    let (Some(TokenTree::Literal(times)), None) = (arguments.next(), arguments.next()) else { return None };
    let times = times.to_string().parse().ok().filter(|times| (1..=MOST_TIMES).contains(times));
    times.filter(|_| dot.as_char() == '.' && method == "repeat")
}

fn is_dots(argument: TokenStream) -> bool {
    let mut tokens = argument.into_iter();
    matches!((tokens.next(), tokens.next()), (Some(TokenTree::Literal(text)), None) if text.to_string() == "\"..\"")
}

/// The text that a literal stands for; `None` for numbers and characters.
fn value(written: &str) -> Option<String> {
    let body = written.trim_start_matches(['b', 'c']);
    if let Some(raw) = body.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return Some(raw.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let inside = body.strip_prefix('"')?.rsplit_once('"')?.0;
    let mut text = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        match letters.next()? {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            'x' => text.push(char::from(u8::from_str_radix(&letters.by_ref().take(2).collect::<String>(), 16).ok()?)),
            'u' => {
                let code: String = letters.by_ref().take_while(|letter| *letter != '}').collect();
                text.push(char::from_u32(u32::from_str_radix(code.trim_start_matches('{'), 16).ok()?)?);
            }
            '\n' => {} // a line that goes on
            other => text.push(other),
        }
    }
    Some(text)
}

/// Words without a space, and all that has a slash: file names can have spaces, but sentences rarely have slashes.
fn may_be_path(text: &str) -> bool {
    let sound = !text.is_empty() && text.len() <= LONGEST && !text.contains(['\n', '\r', '\0']) && text != "..";
    let path = text.rsplit_once('=').map_or(text, |(_, path)| path); // `cargo::rerun-if-changed=PATH`
    sound && (text.contains('/') || text.contains('.') || !text.contains(' ')) && !path.contains("::")
}

#[cfg(test)]
mod tests {
    use super::{Said, scan};

    fn texts(source: &str) -> Vec<String> {
        scan(source.as_bytes()).texts.iter().map(str::to_owned).collect()
    }

    fn climbs(source: &str) -> bool {
        scan(source.as_bytes()).climbs
    }

    #[test]
    fn paths_are_found_in_every_spelling_and_inside_of_macros() {
        let source = r##"
            #![doc = include_str!("../README.md")]
            //! Not "a/comment".
            #[path = "../shared/mod.rs"] mod shared;
            some_macro! { mod x { const T: &[u8] = include_bytes!(r"b/raw"); const U: &str = r#"b/"quoted""#; } }
            fn f() { let _ = "d/\u{65}\x2ff"; let _ = 'x'; let _ = 12; let _ = "two words"; let _ = "a file.txt"; }
        "##;
        let expected = ["../README.md", "../shared/mod.rs", "a file.txt", "b/\"quoted\"", "b/raw", "d/e/f"];
        assert_eq!(texts(source), expected);
    }

    #[test]
    fn a_step_up_that_is_repeated_is_as_many_steps() {
        assert_eq!(texts("fn f() { g(\"../\".repeat(3)) }"), ["../../../"]);
        for unknown in ["\"../\".repeat(many)", "\"../\".repeat(1 << 3)", "\"../\".repeat(0)", "\"../\".len(3)"] {
            assert_eq!(texts(&format!("fn f() {{ g({unknown}) }}")), ["../"], "{unknown}");
        }
    }

    #[test]
    fn climbing_is_seen_and_refusing_to_climb_is_not() {
        assert!(climbs("fn f() { Path::new(env!(\"CARGO_MANIFEST_DIR\")).parent(); }"));
        assert!(climbs("fn f() { env::current_dir().unwrap().ancestors(); }"));
        assert!(climbs("fn f() { Path::new(env!(\"CARGO_MANIFEST_DIR\")).join(\"..\"); }"));
        assert!(climbs("fn f() { Command::new(\"git\"); }") && climbs("fn f() { cmd!(sh, \"git log\"); }"));
        assert!(!climbs("fn f() { command.current_dir(folder); path.parent(); }"));
        let refuses = scan(b"fn f() { name == \"..\" }");
        assert!(!refuses.dots && !refuses.climbs);
        assert!(!scan(b"fn f() { [\"..\", \"x\"] }").dots && scan(b"fn f() { Path::new(\"..\").join(x) }").dots);
    }

    #[test]
    fn what_is_no_rust_may_read_anything() {
        assert_eq!(scan(b"\xff"), Said::anything());
        assert_eq!(scan(b"fn f( {"), Said::anything());
    }
}
