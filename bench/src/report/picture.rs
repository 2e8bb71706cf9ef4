//! The results as a picture: bars in SVG, in colours that a light and a dark page can carry.

use std::fmt::Write;

use crate::{
    figures::{Figures, Results, Spread},
    stand_in::Transport,
    units::digits,
};

const WIDTH: f64 = 860.0;
/// Where bars begin.
const LEFT: f64 = 130.0;
/// Where the longest one ends: the rest is for its number.
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

struct Panel {
    title: &'static str,
    of: fn(&Figures) -> &Spread,
}

const PANELS: [Panel; 2] = [
    Panel { title: "Process start to first answer, ms", of: |figures| &figures.first_answer },
    Panel { title: "Processor time of a warm request, ms", of: |figures| &figures.cpu },
];

/// The picture.
#[must_use]
pub fn picture(results: &Results) -> String {
    let height = HEAD + ROW * results.rows.len() as f64;
    let whole = height * PANELS.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {whole}\" role=\"img\">\n\
         <title>Process start to first answer, and processor time of a warm request</title>\n<style>\n{STYLE}\n</style>\n"
    );
    for (place, panel) in PANELS.iter().enumerate() {
        panel.draw(&mut svg, results, height * place as f64);
    }
    svg + "</svg>\n"
}

/// Writing to a text can't fail.
macro_rules! line {
    ($text:expr, $($arguments:tt)*) => {{ let _ = writeln!($text, $($arguments)*); }};
}

impl Panel {
    fn draw(&self, svg: &mut String, results: &Results, top: f64) {
        line!(svg, r#"<text class="title" x="{LEFT}" y="{}">{}</text>"#, top + 22.0, self.title);
        for (transport, x) in Transport::ALL.into_iter().zip([LEFT, LEFT + 90.0]) {
            let y = top + 32.0;
            line!(svg, r#"<rect class="{}" x="{x}" y="{y}" width="10" height="10"/>"#, class(transport));
            line!(svg, r#"<text class="number" x="{}" y="{}">{}</text>"#, x + 15.0, y + 9.0, transport.name());
        }
        let longest = results.rows.iter().flat_map(|row| [&row.plain, &row.tls]).map(|figures| (self.of)(figures).p90);
        let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
        for (row, place) in results.rows.iter().zip(0_u32..) {
            let y = top + HEAD + ROW * f64::from(place);
            line!(svg, r#"<text x="{}" y="{}" text-anchor="end">{}</text>"#, LEFT - 8.0, y + 15.0, row.name);
            for (transport, y) in Transport::ALL.into_iter().zip([y, y + BAR]) {
                bar(svg, transport, (self.of)(row.by(transport)), (RIGHT - LEFT) / longest, y);
            }
        }
        let bottom = top + HEAD + ROW * results.rows.len() as f64 - 6.0;
        line!(svg, r#"<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{}" y2="{bottom}"/>"#, top + HEAD - 4.0);
    }
}

fn bar(svg: &mut String, transport: Transport, spread: &Spread, scale: f64, y: f64) {
    let at = |value: f64| LEFT + value * scale;
    let middle = y + BAR / 2.0;
    line!(
        svg,
        r#"<rect class="{}" x="{LEFT}" y="{y}" width="{:.1}" height="{:.1}"/>"#,
        class(transport),
        spread.median * scale,
        BAR - 1.0
    );
    line!(
        svg,
        r#"<line class="spread" x1="{:.1}" x2="{:.1}" y1="{middle}" y2="{middle}"/>"#,
        at(spread.p10),
        at(spread.p90)
    );
    line!(
        svg,
        r#"<text class="number" x="{:.1}" y="{:.1}">{}</text>"#,
        at(spread.p90) + 6.0,
        y + BAR - 1.5,
        digits(spread.median)
    );
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
