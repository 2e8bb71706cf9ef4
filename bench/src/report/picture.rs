//! The results as bars in SVG, readable on a light and on a dark page. Written by hand, because `plotters` writes one fixed
//! colour into each element and cannot style for both.

use std::fmt::Write;

use crate::{
    figures::{Figures, Results, Spread},
    stand_in::Transport,
    units::digits,
};

const WIDTH: f64 = 860.0;
/// The start of the bars.
const LEFT: f64 = 130.0;
/// The end of the longest bar. Its number follows.
const RIGHT: f64 = 740.0;
const BAR: f64 = 11.0;
const ROW: f64 = 32.0;
const HEAD: f64 = 56.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.number { font-size: 11px }
.plain { fill: #0969da } .tls { fill: #8250df }
.spread { stroke: #1f2328; stroke-width: 1; opacity: .6 }
.axis { stroke: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .plain { fill: #4493f8 } .tls { fill: #ab7df8 } .spread { stroke: #e6edf3 }
}";

type Figure = fn(&Figures) -> Spread;

const PANELS: [(&str, Figure); 2] = [
    ("Process start to first answer, ms", |figures| figures.first_answer),
    ("Processor time of a warm request, ms", |figures| Spread::point(figures.cpu)),
];

/// Writes a line. Writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($arguments:tt)*) => {{ let _ = writeln!($text, $($arguments)*); }};
}

/// Draws the picture.
pub(crate) fn picture(results: &Results) -> String {
    let height = HEAD + ROW * results.rows.len() as f64;
    let whole = height * PANELS.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {whole}\" role=\"img\">\n\
         <title>Process start to first answer, and processor time of a warm request</title>\n<style>\n{STYLE}\n</style>\n"
    );
    for (place, (title, of)) in PANELS.into_iter().enumerate() {
        line!(svg, r#"<g transform="translate(0 {})">"#, height * place as f64);
        panel(&mut svg, title, of, results);
        line!(svg, r#"<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{}" y2="{}"/></g>"#, HEAD - 4.0, height - 6.0);
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, title: &str, of: Figure, results: &Results) {
    line!(svg, r#"<text class="title" x="{LEFT}" y="22">{title}</text>"#);
    for (transport, x) in Transport::ALL.into_iter().zip([LEFT, LEFT + 90.0]) {
        line!(svg, r#"<rect class="{}" x="{x}" y="32" width="10" height="10"/>"#, class(transport));
        line!(svg, r#"<text class="number" x="{}" y="41">{}</text>"#, x + 15.0, transport.name());
    }
    let ends = results.rows.iter().flat_map(|row| [&row.plain, &row.tls]).map(|figures| of(figures).p90);
    let scale = (RIGHT - LEFT) / ends.fold(f64::MIN_POSITIVE, f64::max);
    for (place, row) in results.rows.iter().enumerate() {
        let y = HEAD + ROW * place as f64;
        line!(svg, r#"<text x="{}" y="{}" text-anchor="end">{}</text>"#, LEFT - 8.0, y + 15.0, row.name);
        for (transport, y) in Transport::ALL.into_iter().zip([y, y + BAR]) {
            bar(svg, class(transport), of(row.by(transport)), scale, y);
        }
    }
}

fn bar(svg: &mut String, class: &str, spread: Spread, scale: f64, y: f64) {
    let [width, p10, p90] = [spread.median, spread.p10, spread.p90].map(|value| value * scale);
    let (from, to, middle, height) = (LEFT + p10, LEFT + p90, y + BAR / 2.0, BAR - 1.0);
    line!(svg, r#"<rect class="{class}" x="{LEFT}" y="{y}" width="{width:.1}" height="{height}"/>"#);
    line!(svg, r#"<line class="spread" x1="{from:.1}" x2="{to:.1}" y1="{middle}" y2="{middle}"/>"#);
    let (x, y) = (to + 6.0, y + BAR - 1.5);
    line!(svg, r#"<text class="number" x="{x:.1}" y="{y:.1}">{}</text>"#, digits(spread.median));
}

const fn class(transport: Transport) -> &'static str {
    match transport {
        Transport::Plain => "plain",
        Transport::Tls => "tls",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn every_figure_has_a_bar_inside_of_the_picture() {
        let results = example::results();
        let svg = picture(&results);
        let widths: Vec<f64> = svg
            .lines()
            .filter(|line| line.starts_with("<rect") && line.contains(&format!(r#" x="{LEFT}" "#)))
            .filter_map(|line| line.split_once("width=\"")?.1.split_once('"')?.0.parse().ok())
            .collect();
        let legend = PANELS.len();
        assert_eq!(widths.len(), legend + results.rows.len() * 2 * PANELS.len());
        assert!(widths.iter().all(|width| (0.0..=RIGHT - LEFT).contains(width)), "{widths:?}");
    }
}
