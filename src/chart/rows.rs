//! Bars one below the other. Label and value stand above their bar, so that a label has the whole width.

use rust_decimal::Decimal;

use super::canvas::{
    Anchor, Area, BAR, BELOW_ZERO, Canvas, Ground, HEADER, MARGIN, Pen, SOFT, STRONG, TRACK, WIDTH,
};
use super::font::{Cut, Fonts, Weight};
use super::scale::Scale;
use super::{Bar, Chart};

/// Bars that are drawn; the others would be too small to read.
pub(crate) const MOST: u16 = 12;

const ROW: u16 = 64;
/// Of which this is the bar.
const BELOW: u16 = 20;
const FIRST: f32 = HEADER + 8.0;
const TEXT: f32 = 28.0;
const THICK: f32 = 15.0;
/// Width within the margins.
const INNER: f32 = WIDTH - 2.0 * MARGIN;
/// Between label and value.
const GAP: f32 = 24.0;
/// A value that is not zero is seen.
const LEAST: f32 = 4.0;

pub(crate) fn draw(chart: &Chart, fonts: &Fonts) -> Canvas {
    let bars = || chart.bars.iter().zip(0..MOST);
    let count = bars().map(|(_, at)| at + 1).next_back().unwrap_or_default();
    let rest_height = if chart.rest.is_some() { ROW - BELOW } else { 0 };
    let scale = Scale::tight(bars().map(|(bar, _)| bar.value));
    let mut canvas = Canvas::of(chart, fonts, 138 + count * ROW + rest_height);
    let ends: Vec<String> = bars().map(|(bar, _)| label(fonts, bar, Cut::End)).collect();
    for ((bar, at), end) in bars().zip(&ends) {
        // Long names that differ at their end only would look the same.
        let is_alike = ends.iter().filter(|other| *other == end).count() > 1;
        let label = if is_alike { label(fonts, bar, Cut::Middle) } else { end.clone() };
        let top = FIRST + f32::from(at * ROW);
        write(&mut canvas, top, &label, &value(fonts, bar), STRONG);
        draw_bar(&mut canvas, &scale, bar, top + 40.0);
    }
    if let Some(rest) = &chart.rest {
        let top = FIRST + f32::from(count * ROW);
        write(&mut canvas, top, &label(fonts, rest, Cut::End), &value(fonts, rest), SOFT);
    }
    canvas
}

fn write(canvas: &mut Canvas, top: f32, label: &str, value: &str, colour: u32) {
    let pen = Pen { size: TEXT, weight: Weight::Regular, colour, anchor: Anchor::Start };
    canvas.text(MARGIN, top + 30.0, pen, Ground::Plain, label);
    let pen = Pen { weight: Weight::Bold, anchor: Anchor::End, ..pen };
    canvas.text(WIDTH - MARGIN, top + 30.0, pen, Ground::Plain, value);
}

fn value(fonts: &Fonts, bar: &Bar) -> String {
    fonts.fit(&bar.text, TEXT, Weight::Bold, INNER / 2.0, Cut::End)
}

fn label(fonts: &Fonts, bar: &Bar, cut: Cut) -> String {
    let room = INNER - GAP - fonts.width(&value(fonts, bar), TEXT, Weight::Bold);
    fonts.fit(&bar.label, TEXT, Weight::Regular, room, cut)
}

fn draw_bar(canvas: &mut Canvas, scale: &Scale, bar: &Bar, y: f32) {
    let track = Area { x: MARGIN, y, width: INNER, height: THICK };
    canvas.bar(track, THICK / 2.0, TRACK);
    let zero = scale.place(Decimal::ZERO) * INNER;
    let end = scale.place(bar.value) * INNER;
    if !bar.value.is_zero() {
        let width = (end - zero).abs().max(LEAST);
        let x = MARGIN + zero.min(end).min(INNER - width);
        let colour = bar.colour.unwrap_or(if bar.value.is_sign_negative() { BELOW_ZERO } else { BAR });
        canvas.bar(Area { x, width, ..track }, (THICK / 2.0).min(width / 2.0), colour);
    }
    if zero > 0.0 {
        let area = Area { x: MARGIN + zero - 1.0, y: y - 3.0, width: 2.0, height: THICK + 6.0 };
        canvas.bar(area, 0.0, SOFT);
    }
}
