use super::{
    layers::{Layout, MOST_ROWS, layout},
    nodes::{Graph, Kind, Node, Shown},
    svg::svg,
};

const JOB: Kind = Kind::Job(Shown::Run);

fn graph(nodes: &[(Kind, &str)], edges: &[(usize, usize)]) -> Graph {
    let nodes = nodes.iter().map(|(kind, label)| Node { kind: *kind, label: (*label).to_owned() }).collect();
    Graph { nodes, edges: edges.to_vec(), unaffected: 1 }
}

fn columns(layout: &Layout) -> Vec<(&str, usize)> {
    layout.nodes.iter().map(|node| (node.label.as_str(), node.column)).collect()
}

#[test]
fn a_node_stands_right_of_all_that_lead_to_it_and_jobs_are_last() {
    let nodes = [(Kind::Paths, "path"), (Kind::Step, "a"), (Kind::Step, "b"), (JOB, "near"), (JOB, "far")];
    let laid = layout(&graph(&nodes, &[(0, 1), (0, 2), (1, 2), (1, 3), (2, 4)]));
    let bends = [("", 1), ("", 2)]; // path to b, a to near
    assert_eq!(columns(&laid), [&[("path", 0), ("a", 1), ("b", 2), ("near", 3), ("far", 3)][..], &bends].concat());
}

#[test]
fn a_circle_ends_and_nothing_is_nothing() {
    let laid = layout(&graph(&[(Kind::Step, "a"), (Kind::Step, "b")], &[(0, 1), (1, 0)]));
    assert_eq!(laid.nodes.len(), 2);
    assert_eq!(layout(&Graph::default()), Layout::default());
}

#[test]
fn ways_that_need_not_cross_do_not() {
    let nodes = [(Kind::Paths, "p"), (Kind::Paths, "q"), (Kind::Step, "a"), (Kind::Step, "b"), (JOB, "x"), (JOB, "y")];
    let laid = layout(&graph(&nodes, &[(0, 3), (1, 2), (3, 4), (2, 5)]));
    let row = |label: &str| laid.nodes.iter().find(|node| node.label == label).unwrap().row;
    assert_eq!([row("p"), row("b"), row("x")], [row("p"); 3]);
    assert_eq!([row("q"), row("a"), row("y")], [row("q"); 3]);
}

#[test]
fn a_long_column_is_folded_and_says_so() {
    let mut nodes: Vec<(Kind, String)> = (0..100).map(|path| (Kind::Paths, format!("path {path:03}"))).collect();
    nodes.push((JOB, "job".to_owned()));
    let edges: Vec<(usize, usize)> = (0..100).map(|path| (path, 100)).collect();
    let named: Vec<(Kind, &str)> = nodes.iter().map(|(kind, label)| (*kind, label.as_str())).collect();
    let laid = layout(&graph(&named, &edges));
    assert_eq!((laid.nodes.len(), laid.edges.len()), (MOST_ROWS + 1, MOST_ROWS));
    assert_eq!(laid.nodes[MOST_ROWS - 1].label, "and 61 more");
}

#[test]
fn hostile_names_stay_text() {
    let name = "</title><script>x</script>\u{1}&\"'\u{ffff}";
    let laid = layout(&graph(&[(Kind::Paths, name), (JOB, "job")], &[(0, 1)]));
    let picture = svg(&laid, name, 1);
    let mut reader = quick_xml::Reader::from_str(&picture);
    let mut open = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) => open.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap()),
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(!open.contains(&"script".to_owned()), "{open:?}");
    assert!(picture.chars().all(|letter| letter == '\n' || !letter.is_control()), "{picture:?}");
}
