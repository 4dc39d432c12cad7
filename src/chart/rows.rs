//! Draws horizontal bars. The label and the value are above their bar, so a label has the whole width.

use rust_decimal::Decimal;

use super::canvas::{
    Anchor, Area, Canvas, HEADER_HEIGHT, MARGIN, SOFT_TEXT, STRONG_TEXT, TRACK, TextStyle, bar_colour, width,
};
use super::font::{Cut, Fonts, Weight};
use super::scale::Scale;
use super::{Bar, Chart};

/// With more bars, a chart would be too small to read on a phone.
pub(crate) const MAX_ROWS: u16 = 12;

/// The height of the header and the space around the rows.
const MIN_HEIGHT: u16 = 138;
const ROW_HEIGHT: u16 = 64;
/// The part of a row's height that the bar needs.
const BAR_PART: u16 = 20;
const FIRST_ROW: f32 = HEADER_HEIGHT + 8.0;
const TEXT_SIZE: f32 = 28.0;
const BAR_HEIGHT: f32 = 15.0;
/// The smallest distance between a label and its value.
const MIN_GAP: f32 = 24.0;
/// The width of a bar for a tiny value, so that it stays visible.
const MIN_BAR_WIDTH: f32 = 4.0;

pub(crate) fn draw(chart: &Chart, fonts: &Fonts) -> Canvas {
    let bars = || chart.bars.iter().zip(0..MAX_ROWS);
    // The width between the margins.
    let room = width(chart) - 2.0 * MARGIN;
    let count = bars().map(|(_, index)| index + 1).next_back().unwrap_or_default();
    let rest_height = if chart.rest.is_some() { ROW_HEIGHT - BAR_PART } else { 0 };
    let scale = Scale::tight(bars().map(|(bar, _)| bar.value));
    let mut canvas = Canvas::new(chart, fonts, MIN_HEIGHT + count * ROW_HEIGHT + rest_height);
    let labels: Vec<String> = bars().map(|(bar, _)| label(fonts, bar, room, Cut::End)).collect();
    for ((bar, index), label_text) in bars().zip(&labels) {
        // Long names that differ only at their end would look the same.
        let is_ambiguous = labels.iter().filter(|other| *other == label_text).count() > 1;
        let label = if is_ambiguous { label(fonts, bar, room, Cut::Middle) } else { label_text.clone() };
        let top = FIRST_ROW + f32::from(index * ROW_HEIGHT);
        draw_text(&mut canvas, room, top, (&label, &value(fonts, bar, room)), STRONG_TEXT);
        draw_bar(&mut canvas, &scale, bar, room, top + 40.0);
        canvas.link(Area { x: MARGIN, y: top, width: room, height: f32::from(ROW_HEIGHT) }, bar);
    }
    if let Some(rest) = &chart.rest {
        let top = FIRST_ROW + f32::from(count * ROW_HEIGHT);
        let texts = (&*label(fonts, rest, room, Cut::End), &*value(fonts, rest, room));
        draw_text(&mut canvas, room, top, texts, SOFT_TEXT);
    }
    canvas
}

fn draw_text(canvas: &mut Canvas, room: f32, top: f32, (label, value): (&str, &str), colour: u32) {
    let style = TextStyle::new(TEXT_SIZE, Weight::Regular, colour, Anchor::Start);
    canvas.text(MARGIN, top + 30.0, style, label);
    let style = TextStyle::new(TEXT_SIZE, Weight::Bold, colour, Anchor::End);
    canvas.text(MARGIN + room, top + 30.0, style, value);
}

fn value(fonts: &Fonts, bar: &Bar, room: f32) -> String {
    fonts.fit(&bar.text, TEXT_SIZE, Weight::Bold, room / 2.0, Cut::End)
}

fn label(fonts: &Fonts, bar: &Bar, room: f32, cut: Cut) -> String {
    let room = room - MIN_GAP - fonts.width(&value(fonts, bar, room), TEXT_SIZE, Weight::Bold);
    fonts.fit(&bar.label, TEXT_SIZE, Weight::Regular, room, cut)
}

fn draw_bar(canvas: &mut Canvas, scale: &Scale, bar: &Bar, room: f32, y: f32) {
    let track = Area { x: MARGIN, y, width: room, height: BAR_HEIGHT };
    canvas.rect(track, BAR_HEIGHT / 2.0, TRACK);
    let zero = scale.position(Decimal::ZERO) * room;
    let end = scale.position(bar.value) * room;
    if !bar.value.is_zero() {
        let width = (end - zero).abs().max(MIN_BAR_WIDTH);
        let x = MARGIN + zero.min(end).min(room - width);
        canvas.rect(Area { x, width, ..track }, (BAR_HEIGHT / 2.0).min(width / 2.0), bar_colour(bar));
    }
    if zero > 0.0 {
        let area = Area { x: MARGIN + zero - 1.0, y: y - 3.0, width: 2.0, height: BAR_HEIGHT + 6.0 };
        canvas.rect(area, 0.0, SOFT_TEXT);
    }
}
