//! Columns and rows for a graph: each node stands right of all that lead to it, jobs in the last column, and a
//! long edge has a place in each column that it passes. A column that is too long keeps its first nodes; the rest become
//! one that says how many they are.

use std::collections::{BTreeMap, BTreeSet};

use super::nodes::{Graph, Kind};

/// The most nodes of a column.
pub const MOST_ROWS: usize = 40;
/// Orders are improved so many times, from left to right and back.
const SWEEPS: usize = 8;

/// A node with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it stands for.
    pub kind: Kind,
    /// One line; of any length.
    pub label: String,
    /// From the left, from 0.
    pub column: usize,
    /// From the top, from 0.
    pub row: usize,
}

/// A graph, laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// All nodes.
    pub nodes: Vec<Placed>,
    /// From, to, by index; from left to right.
    pub edges: Vec<(usize, usize)>,
}

/// Lays a graph out.
#[must_use]
pub fn layout(graph: &Graph) -> Layout {
    let mut layout = fold(graph, &columns(graph));
    bend(&mut layout);
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for (index, node) in layout.nodes.iter().enumerate() {
        rows.resize(rows.len().max(node.column + 1), Vec::new());
        rows[node.column].push(index);
    }
    order(&mut rows, &layout.edges);
    for column in rows {
        for (row, node) in column.into_iter().enumerate() {
            layout.nodes[node].row = row;
        }
    }
    layout
}

/// The longest way to each node; jobs stand right of everything else.
fn columns(graph: &Graph) -> Vec<usize> {
    let mut columns = vec![0; graph.nodes.len()];
    // A way has no more steps than there are nodes; should there be a circle in spite of all, this still ends.
    for _ in 0..graph.nodes.len() {
        let mut moved = false;
        for (from, to) in &graph.edges {
            let least: usize = columns[*from] + 1;
            if columns[*to] < least && least < graph.nodes.len() {
                columns[*to] = least;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let is_job = |node: usize| matches!(graph.nodes[node].kind, Kind::Job(_));
    let last = columns.iter().max().copied().unwrap_or(0);
    columns.iter().enumerate().map(|(node, column)| if is_job(node) { last } else { *column }).collect()
}

/// Puts each node near the middle of those it is joined to, in the column before and the column after in turn.
fn order(rows: &mut [Vec<usize>], edges: &[(usize, usize)]) {
    let count = rows.iter().map(Vec::len).sum();
    let mut joined: [Vec<Vec<usize>>; 2] = [vec![Vec::new(); count], vec![Vec::new(); count]];
    for (from, to) in edges {
        joined[0][*to].push(*from);
        joined[1][*from].push(*to);
    }
    let mut at = vec![0; count];
    let place = |at: &mut [usize], column: &[usize]| {
        for (row, node) in column.iter().enumerate() {
            at[*node] = row * 1000 / column.len(); // columns differ in length
        }
    };
    rows.iter().for_each(|column| place(&mut at, column));
    for sweep in 0..SWEEPS {
        let from_left = sweep % 2 == 0;
        for step in 0..rows.len() {
            let index = if from_left { step } else { rows.len() - 1 - step };
            let column = &mut rows[index];
            let middle = |node: &usize| {
                let joined = &joined[sweep % 2][*node];
                if joined.is_empty() {
                    at[*node]
                } else {
                    joined.iter().map(|other| at[*other]).sum::<usize>() / joined.len()
                }
            };
            column.sort_by_key(|node| (middle(node), at[*node], *node));
            place(&mut at, column);
        }
    }
}

/// The nodes in their columns, of each column no more than fit.
fn fold(graph: &Graph, columns: &[usize]) -> Layout {
    let mut layout = Layout::default();
    let mut new = vec![0; graph.nodes.len()];
    for column in 0..columns.iter().max().map_or(0, |last| last + 1) {
        let nodes: Vec<usize> = (0..graph.nodes.len()).filter(|node| columns[*node] == column).collect();
        let kept = if nodes.len() > MOST_ROWS { MOST_ROWS - 1 } else { nodes.len() };
        for node in &nodes[..kept] {
            new[*node] = layout.nodes.len();
            let known = &graph.nodes[*node];
            layout.nodes.push(Placed { kind: known.kind, label: known.label.clone(), column, row: 0 });
        }
        if let Some(first) = nodes.get(kept) {
            for node in &nodes[kept..] {
                new[*node] = layout.nodes.len();
            }
            let label = format!("and {} more", nodes.len() - kept);
            layout.nodes.push(Placed { kind: graph.nodes[*first].kind, label, column, row: 0 });
        }
    }
    let edges: BTreeSet<(usize, usize)> = graph.edges.iter().map(|(from, to)| (new[*from], new[*to])).collect();
    layout.edges = edges.into_iter().collect();
    layout
}

/// Leads edges that pass columns through a place in each, one for all that come from the same node.
fn bend(layout: &mut Layout) {
    let mut bends: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut edges = BTreeSet::new();
    for (from, to) in std::mem::take(&mut layout.edges) {
        let mut before = from;
        for column in layout.nodes[from].column + 1..layout.nodes[to].column {
            let here = *bends.entry((from, column)).or_insert_with(|| {
                layout.nodes.push(Placed { kind: Kind::Bend, label: String::new(), column, row: 0 });
                layout.nodes.len() - 1
            });
            edges.insert((before, here));
            before = here;
        }
        edges.insert((before, to));
    }
    layout.edges = edges.into_iter().collect();
}
