//! Draws vertical bars along an axis.

use rust_decimal::Decimal;

use super::canvas::{
    AXIS, Anchor, Area, Canvas, HEADER_HEIGHT, MARGIN, SOFT_TEXT, STRONG_TEXT, TRACK, TextStyle, bar_colour,
    width,
};
use super::font::{Cut, Fonts, Weight};
use super::scale::{Scale, short_text};
use super::{Bar, Chart};

/// With more bars, each would be narrower than a pixel.
pub(crate) const MAX_COLUMNS: u16 = 600;

const HEIGHT: u16 = 460;
const TOP: f32 = HEADER_HEIGHT + 44.0;
const BOTTOM: f32 = 396.0;
const TEXT_SIZE: f32 = 26.0;
/// Between two labels.
const MIN_GAP: f32 = 16.0;
/// Between a label and the edge of the picture.
const EDGE_GAP: f32 = 8.0;
/// The share of its slot that a bar fills.
const BAR_SHARE: f32 = 0.74;
const MAX_BAR_WIDTH: f32 = 110.0;
/// The height of a bar for a tiny value, so that it stays visible.
const MIN_BAR_HEIGHT: f32 = 3.0;

/// The area of the bars.
struct Plot {
    left: f32,
    right: f32,
    /// The width of the canvas.
    width: f32,
    /// The width available for one bar.
    slot: f32,
    scale: Scale,
}

impl Plot {
    fn middle_of_slot(&self, index: f32) -> f32 {
        self.left + (index + 0.5) * self.slot
    }

    fn y_of(&self, value: Decimal) -> f32 {
        BOTTOM - self.scale.position(value) * (BOTTOM - TOP)
    }
}

pub(crate) fn draw(chart: &Chart, fonts: &Fonts) -> Canvas {
    let mut canvas = Canvas::new(chart, fonts, HEIGHT);
    let scale = Scale::rounded(chart.bars.iter().map(|bar| bar.value));
    let ticks: Vec<(Decimal, String)> =
        scale.ticks().into_iter().map(|tick| (tick, short_text(tick))).collect();
    let ticks_width = widest(fonts, Weight::Regular, ticks.iter().map(|(_, text)| text.as_str()));
    let width = width(chart);
    let (left, right) = (MARGIN + ticks_width + 14.0, width - MARGIN);
    let count = u16::try_from(chart.bars.len()).unwrap_or(MAX_COLUMNS).min(MAX_COLUMNS);
    let plot = Plot { left, right, width, slot: (right - left) / f32::from(count.max(1)), scale };

    let style = TextStyle::new(TEXT_SIZE, Weight::Regular, SOFT_TEXT, Anchor::End);
    for (tick, text) in &ticks {
        let y = plot.y_of(*tick);
        draw_line(&mut canvas, &plot, y, TRACK);
        canvas.text(left - 14.0, y + 9.0, style, text);
    }
    let bars: Vec<(&Bar, u16)> = chart.bars.iter().zip(0..count).collect();
    for (bar, index) in &bars {
        draw_column(&mut canvas, &plot, bar, *index);
    }
    draw_line(&mut canvas, &plot, plot.y_of(Decimal::ZERO), AXIS);
    draw_labels(&mut canvas, fonts, &plot, &bars);
    draw_values(&mut canvas, fonts, &plot, &bars);
    for (bar, index) in &bars {
        let x = plot.middle_of_slot(f32::from(*index)) - plot.slot / 2.0;
        canvas.link(Area { x, y: TOP, width: plot.slot, height: BOTTOM - TOP }, bar);
    }
    canvas
}

fn draw_line(canvas: &mut Canvas, plot: &Plot, y: f32, colour: u32) {
    canvas.rect(Area { x: plot.left, y: y - 1.0, width: plot.right - plot.left, height: 2.0 }, 0.0, colour);
}

fn draw_column(canvas: &mut Canvas, plot: &Plot, bar: &Bar, index: u16) {
    if bar.value.is_zero() {
        return;
    }
    let width = (plot.slot * BAR_SHARE).min(MAX_BAR_WIDTH);
    let (zero, end) = (plot.y_of(Decimal::ZERO), plot.y_of(bar.value));
    let height = (end - zero).abs().max(MIN_BAR_HEIGHT);
    let y = if bar.value.is_sign_negative() { zero } else { zero - height };
    let area = Area { x: plot.middle_of_slot(f32::from(index)) - width / 2.0, y, width, height };
    canvas.rect(area, (width / 6.0).min(height / 2.0).min(5.0), bar_colour(bar));
}

/// Draws as many labels as fit, at even distances.
fn draw_labels(canvas: &mut Canvas, fonts: &Fonts, plot: &Plot, bars: &[(&Bar, u16)]) {
    let room = plot.right - plot.left;
    let fit = |(bar, index): &(&Bar, u16)| {
        (fonts.fit(&bar.label, TEXT_SIZE, Weight::Regular, room, Cut::End), *index)
    };
    let bars: Vec<(String, u16)> = bars.iter().map(fit).collect();
    let half = widest(fonts, Weight::Regular, bars.iter().map(|(label, _)| label.as_str())) / 2.0;
    let style = TextStyle::new(TEXT_SIZE, Weight::Regular, SOFT_TEXT, Anchor::Middle);
    let mut free_from = 0.0_f32;
    let mut distance = None;
    for (label, index) in bars {
        let x = plot.middle_of_slot(f32::from(index)).min(plot.width - EDGE_GAP - half).max(EDGE_GAP + half);
        let is_next = distance.is_none_or(|distance: u16| index % distance == 0);
        if !is_next || x - half < free_from {
            continue;
        }
        if index > 0 && distance.is_none() {
            distance = Some(index);
        }
        free_from = x + half + MIN_GAP;
        canvas.text(x, BOTTOM + 40.0, style, &label);
    }
}

/// Draws the value of every bar if all fit, otherwise only the highest.
fn draw_values(canvas: &mut Canvas, fonts: &Fonts, plot: &Plot, bars: &[(&Bar, u16)]) {
    let shown = || bars.iter().copied().filter(|(bar, _)| !bar.value.is_zero());
    let all_fit = widest(fonts, Weight::Bold, shown().map(|(bar, _)| bar.text.as_str())) + 8.0 < plot.slot;
    let highest = shown().map(|(bar, _)| bar.value).max();
    let highest = shown().find(|(bar, _)| Some(bar.value) == highest).map(|(_, index)| index);
    let style = TextStyle::new(TEXT_SIZE, Weight::Bold, STRONG_TEXT, Anchor::Middle).outlined();
    for (bar, index) in shown().filter(|(_, index)| all_fit || Some(*index) == highest) {
        let text = fonts.fit(&bar.text, TEXT_SIZE, Weight::Bold, plot.right - plot.left, Cut::End);
        let half = fonts.width(&text, TEXT_SIZE, Weight::Bold) / 2.0;
        let x = plot.middle_of_slot(f32::from(index)).min(plot.right - half).max(plot.left + half);
        canvas.text(x, plot.y_of(bar.value.max(Decimal::ZERO)) - 12.0, style, &text);
    }
}

fn widest<'a>(fonts: &Fonts, weight: Weight, texts: impl Iterator<Item = &'a str>) -> f32 {
    texts.map(|text| fonts.width(text, TEXT_SIZE, weight)).fold(0.0, f32::max)
}
