//! Charts as PNG: drawn as SVG of our own, rendered in process, with the fonts that are in the program.
//!
//! | part | does |
//! |---|---|
//! | `font` | which characters can be drawn, how wide they are, what is drawn in their place |
//! | `scale` | where a value lies, and which round values an axis shows |
//! | `rows`, `columns` | the two kinds of bars |
//! | `canvas` | the SVG |
//!
//! A phone shows a chart about 360 CSS pixels wide, so the canvas is 800 wide and no text is smaller
//! than 26. The background is opaque, which looks the same in Discord's dark and light themes. Colours
//! are told apart by brightness too, and never say what a label does not say.
//!
//! Rendering takes 20 to 50 ms of a processor: on an async runtime, use `spawn_blocking`.

mod canvas;
mod columns;
mod font;
mod rows;
mod scale;

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Options, Tree};
use rust_decimal::Decimal;

use canvas::Canvas;
use font::Fonts;

/// A chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chart {
    /// What it is about.
    pub(crate) title: String,
    /// What the bars stand for, with their unit.
    pub(crate) subtitle: String,
    /// How the bars lie.
    pub(crate) shape: Shape,
    /// The bars, in their order.
    pub(crate) bars: Vec<Bar>,
    /// What the rows leave out: written below them without a bar, which might dwarf all others.
    pub(crate) rest: Option<Bar>,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    /// What it is the value of; any text.
    pub(crate) label: String,
    /// The value, in the unit of the chart.
    pub(crate) value: Decimal,
    /// The value as it is written.
    pub(crate) text: String,
    /// RGB, where the label has a colour of its own.
    pub(crate) colour: Option<u32>,
}

/// How bars lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One below the other, with long labels; [`rows::MOST`] at the most.
    #[default]
    Rows,
    /// Side by side along an axis, with short labels: times. Some thirty can be told apart, and
    /// [`columns::MOST`] are drawn at the most.
    Columns,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChartError {
    /// An embedded font is broken.
    #[error("an embedded font cannot be read")]
    Font,
    /// The SVG is broken.
    #[error("the drawing cannot be read: {0}")]
    Drawing(#[from] usvg::Error),
    /// There is no memory for the picture, or the encoder failed.
    #[error("the picture cannot be made")]
    Picture,
}

impl Chart {
    /// The chart as text, for people who cannot see it.
    pub(crate) fn alt_text(&self) -> String {
        let bars = self.bars.iter().chain(&self.rest).map(|bar| format!("{} {}", bar.label, bar.text));
        format!("{}. {}: {}", self.title, self.subtitle, bars.collect::<Vec<_>>().join("; "))
    }
}

/// Draws a chart as PNG.
///
/// # Errors
/// Only where the program itself is broken: every title, label and value can be drawn.
pub(crate) fn png(chart: &Chart) -> Result<Vec<u8>, ChartError> {
    let fonts = Fonts::load()?;
    let canvas = match chart.shape {
        Shape::Rows => rows::draw(chart, &fonts),
        Shape::Columns => columns::draw(chart, &fonts),
    };
    render(canvas)?.encode_png().map_err(|_| ChartError::Picture)
}

fn render(canvas: Canvas) -> Result<Pixmap, ChartError> {
    let (width, height) = canvas.size();
    let options = Options { fontdb: Arc::new(Fonts::database()), ..Options::default() };
    let tree = Tree::from_str(&canvas.into_svg(), &options)?;
    let mut pixmap = Pixmap::new(u32::from(width), u32::from(height)).ok_or(ChartError::Picture)?;
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    Ok(pixmap)
}

#[cfg(test)]
mod tests;
