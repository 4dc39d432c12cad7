//! Builds the SVG of a chart. Escapes every text.

use super::font::{Cut, FAMILY, Fonts, Weight};
use super::{Bar, Chart};

const WIDTH: u16 = 800;
const DESKTOP_WIDTH: u16 = 1600;

/// The width of a chart's canvas.
pub(crate) fn width(chart: &Chart) -> f32 {
    f32::from(if chart.is_wide { DESKTOP_WIDTH } else { WIDTH })
}

/// Free space on the left and right.
pub(crate) const MARGIN: f32 = 30.0;
pub(crate) const HEADER_HEIGHT: f32 = 112.0;

// Colours as RGB. Their contrast with the backbackdrop is above 7 for texts and above 3 for bars.
pub(crate) const BACKGROUND: u32 = 0x001E_2026;
pub(crate) const STRONG_TEXT: u32 = 0x00F4_F5F7;
pub(crate) const SOFT_TEXT: u32 = 0x00B8_BDC7;
pub(crate) const TRACK: u32 = 0x0033_3742;
pub(crate) const AXIS: u32 = 0x0080_8694;
/// Sky blue and orange of the Okabe-Ito palette, which colour-blind people can tell apart.
/// <https://jfly.uni-koeln.de/color/>
pub(crate) const BAR: u32 = 0x0056_B4E9;
pub(crate) const NEGATIVE_BAR: u32 = 0x00E6_9F00;

const TITLE_SIZE: f32 = 36.0;
const SUBTITLE_SIZE: f32 = 28.0;

/// Which part of a text its position refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TextStyle {
    pub(crate) size: f32,
    pub(crate) weight: Weight,
    pub(crate) colour: u32,
    pub(crate) anchor: Anchor,
    is_outlined: bool,
}

impl TextStyle {
    pub(crate) fn new(size: f32, weight: Weight, colour: u32, anchor: Anchor) -> Self {
        Self { size, weight, colour, anchor, is_outlined: false }
    }

    /// Adds an outline, which keeps the text readable on top of lines and bars.
    pub(crate) fn outlined(self) -> Self {
        Self { is_outlined: true, ..self }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// The colour of a bar: its own, or one for its sign.
pub(crate) fn bar_colour(bar: &Bar) -> u32 {
    bar.colour.unwrap_or(if bar.value.is_sign_negative() { NEGATIVE_BAR } else { BAR })
}

/// A chart under construction.
pub(crate) struct Canvas {
    width: f32,
    height: u16,
    elements: Vec<String>,
}

impl Canvas {
    /// A canvas that has the title and subtitle of the chart.
    pub(crate) fn new(chart: &Chart, fonts: &Fonts, height: u16) -> Self {
        let width = width(chart);
        let mut canvas = Self { width, height, elements: Vec::new() };
        let all = Area { x: 0.0, y: 0.0, width, height: f32::from(height) };
        canvas.rect(all, 0.0, BACKGROUND);
        let room = width - 2.0 * MARGIN;
        for (text, y, size, weight, colour) in [
            (&chart.title, 54.0, TITLE_SIZE, Weight::Bold, STRONG_TEXT),
            (&chart.subtitle, 94.0, SUBTITLE_SIZE, Weight::Regular, SOFT_TEXT),
        ] {
            let text = fonts.fit(text, size, weight, room, Cut::End);
            canvas.text(MARGIN, y, TextStyle::new(size, weight, colour, Anchor::Start), &text);
        }
        canvas
    }

    pub(crate) fn rect(&mut self, area: Area, radius: f32, colour: u32) {
        let Area { x, y, width, height } = area;
        self.elements.push(format!(
            r##"<rect x="{x:.2}" y="{y:.2}" width="{width:.2}" height="{height:.2}" rx="{radius}" fill="#{colour:06x}"/>"##
        ));
    }

    /// Adds a text, which [`Fonts::printable`] has cleaned.
    pub(crate) fn text(&mut self, x: f32, y: f32, style: TextStyle, text: &str) {
        let TextStyle { size, weight, colour, anchor, is_outlined } = style;
        let weight = match weight {
            Weight::Regular => 400,
            Weight::Bold => 700,
        };
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let outline = if is_outlined {
            format!(
                r##" stroke="#{BACKGROUND:06x}" stroke-width="6" stroke-linejoin="round" paint-order="stroke""##
            )
        } else {
            String::new()
        };
        let text = html_escape::encode_text(text);
        self.elements.push(format!(
            r##"<text x="{x:.2}" y="{y:.2}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="#{colour:06x}"{outline}>{text}</text>"##
        ));
    }

    /// Makes an area lead to the page of a bar, and show its value as a tip. Without a page, it adds nothing.
    pub(crate) fn link(&mut self, area: Area, bar: &Bar) {
        let Some(url) = &bar.url else { return };
        let Area { x, y, width, height } = area;
        let url = html_escape::encode_double_quoted_attribute(url);
        let tip = format!("{}: {}", bar.label, bar.text);
        let tip = html_escape::encode_text(&tip);
        self.elements.push(format!(
            r#"<a href="{url}" tabindex="-1" aria-hidden="true"><title>{tip}</title><rect class="hit" x="{x:.2}" y="{y:.2}" width="{width:.2}" height="{height:.2}" fill-opacity="0"/></a>"#
        ));
    }

    pub(crate) fn into_svg(self) -> String {
        let Self { width, height, elements } = self;
        let body = elements.concat();
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FAMILY}">{body}</svg>"#
        )
    }
}
