//! Draws bar charts as SVG, and renders them as PNG with embedded fonts.
//!
//! | part | does |
//! |---|---|
//! | `rows`, `columns` | horizontal and vertical bars |
//! | `scale` | positions of values, and the round values of an axis |
//! | `font` | widths of texts, and replacements for characters that the fonts lack |
//! | `canvas` | the SVG elements |
//!
//! A phone shows a chart about 360 CSS pixels wide, so the canvas is 800 wide and no text is smaller
//! than 26. The canvas of a wide chart, for the page on a desktop, is 1,600 wide. The opaque background looks
//! the same on dark and light pages. Colours also differ in brightness, and carry no information that a label
//! does not carry.
//!
//! Rendering takes 20 to 50 ms of processor time, so async code must use `spawn_blocking`.

mod canvas;
mod columns;
mod font;
mod rows;
mod scale;

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Options, Tree};
use rust_decimal::Decimal;

use font::Fonts;

/// A chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// The meaning and the unit of the values.
    pub(crate) subtitle: String,
    pub(crate) shape: Shape,
    pub(crate) bars: Vec<Bar>,
    /// The sum of what the rows leave out. It has no bar, because its bar might dwarf all others.
    pub(crate) rest: Option<Bar>,
    /// Whether the canvas is twice as wide, with finer bars, for a desktop.
    pub(crate) is_wide: bool,
}

/// One bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Any text; it is shortened and cleaned for the chart.
    pub(crate) label: String,
    pub(crate) value: Decimal,
    /// The value as text.
    pub(crate) text: String,
    /// A colour of its own, as RGB.
    pub(crate) colour: Option<u32>,
    /// The page that the bar leads to, if the chart is shown in a page.
    pub(crate) url: Option<String>,
}

/// The direction of the bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Horizontal bars with room for long labels; at most [`rows::MAX_ROWS`].
    #[default]
    Rows,
    /// Vertical bars with short labels, for times. About 30 are easy to read; at most
    /// [`columns::MAX_COLUMNS`] are drawn.
    Columns,
}

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChartError {
    /// An embedded font is invalid.
    #[error("an embedded font cannot be read")]
    Font,
    /// The SVG is invalid.
    #[error("the SVG cannot be read: {0}")]
    Svg(#[from] usvg::Error),
    /// There is not enough memory, or the PNG encoder failed.
    #[error("the PNG cannot be made")]
    Png,
}

impl Chart {
    /// The chart as text, for people who cannot see it.
    pub(crate) fn alt_text(&self) -> String {
        let bars = self.bars.iter().chain(&self.rest).map(|bar| format!("{} {}", bar.label, bar.text));
        format!("{}. {}: {}", self.title, self.subtitle, bars.collect::<Vec<_>>().join("; "))
    }
}

/// Draws a chart as SVG.
pub(crate) fn svg(chart: &Chart) -> Result<String, ChartError> {
    let fonts = Fonts::load()?;
    let canvas = match chart.shape {
        Shape::Rows => rows::draw(chart, &fonts),
        Shape::Columns => columns::draw(chart, &fonts),
    };
    Ok(canvas.into_svg())
}

/// Renders a chart as PNG.
pub(crate) fn png(chart: &Chart) -> Result<Vec<u8>, ChartError> {
    let options = Options { fontdb: Arc::new(Fonts::database()), ..Options::default() };
    let tree = Tree::from_str(&svg(chart)?, &options)?;
    let size = tree.size().to_int_size();
    let mut pixmap = Pixmap::new(size.width(), size.height()).ok_or(ChartError::Png)?;
    resvg::render(&tree, Transform::identity(), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|_| ChartError::Png)
}

#[cfg(test)]
mod tests;
