//! A workflow as SVG: the places are found by `dagre`, the drawing is ours.
use std::fmt::Write as _;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, GraphLabel, LayoutOptions, NodeLabel, Point};

use super::{Arrow, arrows};
use crate::workflow::rules::{Category, Status, Workflow};

/// About what a letter takes of the font below, in pixels.
const LETTER: f64 = 7.2;
const SMALL_LETTER: f64 = 6.1;
const BOX_HEIGHT: f64 = 34.0;
const LINE_HEIGHT: f64 = 14.0;
const MARGIN: f64 = 24.0;
/// Above the drawing: the name and what the colours mean.
const HEAD: f64 = 64.0;

const STYLE: &str = "text{font-family:system-ui,sans-serif;font-size:13px;fill:#1f2933}\
.l{font-size:11px}.h{font-size:18px;font-weight:600}\
.b{stroke:#52606d;stroke-width:1}.p{fill:none;stroke:#52606d;stroke-width:1.3;marker-end:url(#a)}\
.d{stroke-dasharray:5 4}.g{fill:#fff;fill-opacity:.9}.w{fill:#fff}";

/// The colour of the statuses of a category.
pub(super) fn fill(category: Category) -> &'static str {
    match category {
        Category::Draft => "#e4e7eb",
        Category::New => "#cfe8ff",
        Category::Open => "#bef0e0",
        Category::Pending => "#ffe8b3",
        Category::OnHold => "#e6d9f7",
        Category::Closed => "#d3dce6",
    }
}

/// A picture with one box for each status and one arrow for all ways between two. A dashed arrow needs nobody.
pub fn svg(workflow: &Workflow) -> String {
    let arrows = arrows(workflow);
    let graph = placed(workflow, &arrows);
    let size = graph.graph_label::<GraphLabel>().map_or((0.0, 0.0), |g| (g.width, g.height));
    let width = (size.0 + 2.0 * MARGIN).max(640.0);
    let height = size.1 + HEAD + 2.0 * MARGIN;
    let name = escaped(&workflow.name);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-labelledby=\"t\"><title id=\"t\">Workflow {name}</title>\
         <style>{STYLE}</style><defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#52606d\"/></marker></defs>\
         <rect class=\"w\" width=\"100%\" height=\"100%\"/>"
    );
    head(&mut out, &name);
    let _ = write!(out, "<g transform=\"translate({MARGIN} {})\">", HEAD + MARGIN);
    let edges =
        || arrows.iter().filter_map(|arrow| Some((arrow, graph.edge(arrow.from, arrow.to, None)?)));
    for (arrow, edge) in edges() {
        let dashed = if arrow.by_itself { " d" } else { "" };
        let _ = write!(out, "<path class=\"p{dashed}\" d=\"{}\"/>", curve(&edge.points));
    }
    for status in &workflow.statuses {
        if let Some(NodeLabel { x: Some(x), y: Some(y), width, .. }) = graph.node(&status.code) {
            draw_status(&mut out, status, *x, *y, *width);
        }
    }
    for (arrow, edge) in edges() {
        if let (Some(x), Some(y)) = (edge.x, edge.y) {
            draw_label(&mut out, &arrow.label, x, y, edge.width);
        }
    }
    out.push_str("</g></svg>");
    out
}

fn head(out: &mut String, name: &str) {
    let _ = write!(out, "<text class=\"h\" x=\"{MARGIN}\" y=\"32\">{name}</text>");
    let mut x = MARGIN;
    for category in Category::ALL {
        let _ = write!(
            out,
            "<rect class=\"b\" x=\"{x}\" y=\"46\" width=\"12\" height=\"12\" rx=\"3\" fill=\"{}\"/>\
             <text class=\"l\" x=\"{}\" y=\"56\">{category}</text>",
            fill(*category),
            x + 17.0,
        );
        x += 84.0;
    }
}

fn placed(workflow: &Workflow, arrows: &[Arrow<'_>]) -> Graph<NodeLabel, EdgeLabel> {
    let mut graph =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for status in &workflow.statuses {
        let width = LETTER * letters(&caption(status)) + 24.0;
        let node = NodeLabel { width, height: BOX_HEIGHT, ..NodeLabel::default() };
        graph.set_node(status.code.clone(), Some(node));
    }
    for arrow in arrows {
        let longest = arrow.label.iter().map(|line| letters(line)).fold(0.0, f64::max);
        let (width, height) = (longest * SMALL_LETTER, LINE_HEIGHT * count(arrow.label.len()));
        let labelpos = dagre::layout::types::LabelPos::Center;
        let edge = EdgeLabel { width, height, labelpos, ..EdgeLabel::default() };
        graph.set_edge(arrow.from, arrow.to, Some(edge), None);
    }
    let options =
        LayoutOptions { nodesep: 36.0, edgesep: 18.0, ranksep: 34.0, ..LayoutOptions::default() };
    dagre::layout(&mut graph, Some(options));
    graph
}

fn draw_status(out: &mut String, status: &Status, x: f64, y: f64, width: f64) {
    let (left, top) = (x - width / 2.0, y - BOX_HEIGHT / 2.0);
    let _ = write!(
        out,
        "<g><title>{}</title><rect class=\"b\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
         height=\"{BOX_HEIGHT}\" rx=\"8\" fill=\"{}\"/>\
         <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
        escaped(&format!("{}: customers see {}", status.key, status.customer_label)),
        fill(status.category),
        y + 4.5,
        escaped(&caption(status)),
    );
}

fn draw_label(out: &mut String, lines: &[String], x: f64, y: f64, width: f64) {
    if lines.is_empty() {
        return;
    }
    let height = LINE_HEIGHT * count(lines.len());
    let (left, top) = (x - width / 2.0 - 2.0, y - height / 2.0);
    let _ = write!(
        out,
        "<rect class=\"g\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
        width + 4.0,
    );
    for (index, line) in lines.iter().enumerate() {
        let y = top + LINE_HEIGHT * count(index) + 11.0;
        let line = escaped(line);
        let _ = write!(
            out,
            "<text class=\"l\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{line}</text>"
        );
    }
}

/// A path through all points that has no corners: each bend is a quadratic curve between the middles of its sides.
fn curve(points: &[Point]) -> String {
    let [first, bends @ .., last] = points else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", first.x, first.y);
    for (index, bend) in bends.iter().enumerate() {
        let next = bends.get(index + 1);
        let end = next.map_or((last.x, last.y), |n| ((bend.x + n.x) / 2.0, (bend.y + n.y) / 2.0));
        let _ = write!(path, "Q{:.1} {:.1} {:.1} {:.1}", bend.x, bend.y, end.0, end.1);
    }
    if bends.is_empty() {
        let _ = write!(path, "L{:.1} {:.1}", last.x, last.y);
    }
    path
}

fn caption(status: &Status) -> String {
    format!("{} {}", status.code, status.name)
}

fn letters(text: &str) -> f64 {
    count(text.chars().count())
}

/// A small number as a measure.
fn count(number: usize) -> f64 {
    f64::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// As text of an element, or of an attribute in double quotes. What XML 1.0 does not allow becomes a space.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
