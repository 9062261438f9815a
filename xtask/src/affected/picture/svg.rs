//! Draws a layout as SVG: no script, no font or style from elsewhere, light and dark by the reader's choice.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::{
    layers::{Layout, Placed},
    nodes::{Kind, Shown},
};

const MARGIN: usize = 24;
const HEAD: usize = 44;
const WIDTH: usize = 250;
const HEIGHT: usize = 30;
const GAP: usize = 90;
const ROW: usize = 42;
/// So many letters fit into a node.
const LETTERS: usize = 31;

const STYLE: &str = "\
text{font:12px ui-monospace,monospace;fill:#1c2733}.c{font-weight:bold}.h{fill:#5b6875}\
rect{stroke-width:1.2}path{fill:none;stroke:#8894a0;stroke-width:1.1}.b{fill:#fff;stroke:none}\
.paths{fill:#eef1f4;stroke:#8894a0}.step{fill:#e3edfb;stroke:#4a7dbd}.run{fill:#dcf3e1;stroke:#2f8a48}\
.check{fill:#fdf0cf;stroke:#b17f12}.proved{fill:#e9e4fb;stroke:#7459c4}.skipped{fill:#fff;stroke:#b17f12;stroke-dasharray:4 3}\
@media(prefers-color-scheme:dark){text{fill:#e4e9ee}.h{fill:#9aa6b2}.b{fill:#14191f}path{stroke:#6c7884}\
.paths{fill:#252c34;stroke:#6c7884}.step{fill:#1c2f49;stroke:#5b8fd1}.run{fill:#163822;stroke:#4cae68}\
.check{fill:#43340c;stroke:#d6a32c}.proved{fill:#2d2453;stroke:#9a82e6}.skipped{fill:#14191f;stroke:#d6a32c}}";

/// The picture; `compared` says of what, `unaffected` how many jobs are not shown.
#[must_use]
pub fn svg(layout: &Layout, compared: &str, unaffected: usize) -> String {
    let columns = layout.nodes.iter().map(|node| node.column + 1).max().unwrap_or(1).max(2);
    let rows = layout.nodes.iter().map(|node| node.row + 1).max().unwrap_or(1);
    let width = 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP;
    let height = HEAD + 2 * MARGIN + rows * ROW;
    let tallest = rows;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{}</title>\n<style>{STYLE}</style>\n<rect class=\"b\" width=\"{width}\" height=\"{height}\"/>\n",
        plain(compared)
    );
    let letters = (width - 2 * MARGIN) / 8;
    let _ = writeln!(out, "<text class=\"c\" x=\"{MARGIN}\" y=\"28\">{}</text>", plain(&shortened(compared, letters)));
    let rest = match (layout.nodes.is_empty(), unaffected) {
        (true, 0) => "no job is reached".to_owned(),
        (true, count) => format!("no job is reached; {count} unaffected"),
        (false, count) => format!("changed paths → packages and rules → jobs; {count} unaffected"),
    };
    let _ = writeln!(out, "<text class=\"h\" x=\"{MARGIN}\" y=\"48\">{rest}</text>");
    let heights: Vec<usize> =
        (0..columns).map(|column| layout.nodes.iter().filter(|node| node.column == column).count()).collect();
    let place = |node: &Placed| {
        // A short column stands in the middle of the tallest.
        let above = (tallest - heights[node.column]) * ROW / 2;
        (MARGIN + node.column * (WIDTH + GAP), HEAD + MARGIN + above + node.row * ROW)
    };
    for (from, to) in &layout.edges {
        let ((x, y), (to_x, to_y)) = (place(&layout.nodes[*from]), place(&layout.nodes[*to]));
        let (x, y, to_y) = (x + WIDTH, y + HEIGHT / 2, to_y + HEIGHT / 2);
        let (bend, back) = (x + GAP / 2, to_x.saturating_sub(GAP / 2));
        let on = if layout.nodes[*to].kind == Kind::Bend { format!("h{WIDTH}") } else { String::new() };
        let _ = writeln!(out, "<path d=\"M{x} {y}C{bend} {y} {back} {to_y} {to_x} {to_y}{on}\"/>");
    }
    for node in &layout.nodes {
        let (x, y) = place(node);
        box_of(&mut out, node, x, y);
    }
    out.push_str("</svg>\n");
    out
}

fn box_of(out: &mut String, node: &Placed, x: usize, y: usize) {
    let (class, word) = match node.kind {
        Kind::Bend => return,
        Kind::Paths => ("paths", ""),
        Kind::Step => ("step", ""),
        Kind::Job(Shown::Run) => ("run", "run "),
        Kind::Job(Shown::Check) => ("check", "check "),
        Kind::Job(Shown::Proved) => ("proved", "proved "),
        Kind::Job(Shown::Skipped) => ("skipped", "skipped "),
    };
    let text = shortened(&format!("{word}{}", node.label), LETTERS);
    let _ = writeln!(
        out,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"5\"/>\
         <text x=\"{}\" y=\"{}\">{}</text></g>",
        plain(&shortened(&node.label, 1000)),
        x + 9,
        y + 19,
        plain(&text)
    );
}

/// Both ends of a text that is longer than `most` letters.
fn shortened(text: &str, most: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return text.to_owned();
    }
    let (start, end) = ((most - 1) / 2, most / 2);
    letters[..start].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect()
}

/// The text as XML may hold it.
fn plain(text: &str) -> String {
    let allowed = |letter: char| !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().map(|letter| if allowed(letter) { letter } else { '\u{fffd}' }).collect();
    escape(&text).into_owned()
}
