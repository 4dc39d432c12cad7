//! The SVG of a chart. Every text in it is escaped here.

use super::Chart;
use super::font::{Cut, FAMILY, Fonts, Weight};

/// Width of every chart, in pixels.
const PIXELS: u16 = 800;
/// The same, to reckon with.
pub(crate) const WIDTH: f32 = 800.0;
/// Free space at the sides.
pub(crate) const MARGIN: f32 = 30.0;
/// Where the header ends.
pub(crate) const HEADER: f32 = 112.0;

/// Colours, as RGB. Contrast with the background: texts above 7, bars above 3.
pub(crate) const BACKGROUND: u32 = 0x001E_2026;
pub(crate) const STRONG: u32 = 0x00F4_F5F7;
pub(crate) const SOFT: u32 = 0x00B8_BDC7;
pub(crate) const TRACK: u32 = 0x0033_3742;
pub(crate) const AXIS: u32 = 0x0080_8694;
/// Sky blue and orange of Okabe and Ito, which colour-blind people tell apart.
/// <https://jfly.uni-koeln.de/color/>
pub(crate) const BAR: u32 = 0x0056_B4E9;
pub(crate) const BELOW_ZERO: u32 = 0x00E6_9F00;

const TITLE: f32 = 36.0;
const SUBTITLE: f32 = 28.0;

/// Where a text stands from its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) size: f32,
    pub(crate) weight: Weight,
    pub(crate) colour: u32,
    pub(crate) anchor: Anchor,
}

/// What a text stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The background.
    Plain,
    /// Lines or bars, from which an outline keeps it apart.
    Busy,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// A drawing to be.
pub(crate) struct Canvas {
    height: u16,
    elements: Vec<String>,
}

impl Canvas {
    /// A card of that height with the header of a chart.
    pub(crate) fn of(chart: &Chart, fonts: &Fonts, height: u16) -> Self {
        let mut canvas = Self { height, elements: Vec::new() };
        let all = Area { x: 0.0, y: 0.0, width: WIDTH, height: f32::from(height) };
        canvas.bar(all, 0.0, BACKGROUND);
        let room = WIDTH - 2.0 * MARGIN;
        let pen = Pen { size: TITLE, weight: Weight::Bold, colour: STRONG, anchor: Anchor::Start };
        canvas.text(
            MARGIN,
            54.0,
            pen,
            Ground::Plain,
            &fonts.fit(&chart.title, pen.size, pen.weight, room, Cut::End),
        );
        let pen = Pen { size: SUBTITLE, weight: Weight::Regular, colour: SOFT, ..pen };
        canvas.text(
            MARGIN,
            94.0,
            pen,
            Ground::Plain,
            &fonts.fit(&chart.subtitle, pen.size, pen.weight, room, Cut::End),
        );
        canvas
    }

    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (u16, u16) {
        (PIXELS, self.height)
    }

    pub(crate) fn bar(&mut self, area: Area, radius: f32, colour: u32) {
        let Area { x, y, width, height } = area;
        self.elements.push(format!(
            r##"<rect x="{x:.2}" y="{y:.2}" width="{width:.2}" height="{height:.2}" rx="{radius}" fill="#{colour:06x}"/>"##
        ));
    }

    /// A text that is printable already.
    pub(crate) fn text(&mut self, x: f32, y: f32, pen: Pen, ground: Ground, text: &str) {
        let Pen { size, weight, colour, anchor } = pen;
        let weight = match weight {
            Weight::Regular => 400,
            Weight::Bold => 700,
        };
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let outline = match ground {
            Ground::Plain => String::new(),
            Ground::Busy => format!(
                r##" stroke="#{BACKGROUND:06x}" stroke-width="6" stroke-linejoin="round" paint-order="stroke""##
            ),
        };
        let text = html_escape::encode_text(text);
        self.elements.push(format!(
            r##"<text x="{x:.2}" y="{y:.2}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="#{colour:06x}"{outline}>{text}</text>"##
        ));
    }

    pub(crate) fn into_svg(self) -> String {
        let Self { height, elements } = self;
        let body = elements.concat();
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="{FAMILY}">{body}</svg>"#
        )
    }
}
