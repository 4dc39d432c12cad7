//! Bars side by side along an axis.

use rust_decimal::Decimal;

use super::canvas::{
    AXIS, Anchor, Area, BAR, BELOW_ZERO, Canvas, Ground, HEADER, MARGIN, Pen, SOFT, STRONG, TRACK, WIDTH,
};
use super::font::{Cut, Fonts, Weight};
use super::scale::{Scale, short};
use super::{Bar, Chart};

/// Bars that are drawn: of more, each would be thinner than a pixel.
pub(crate) const MOST: u16 = 600;

const HEIGHT: u16 = 460;
const TOP: f32 = HEADER + 44.0;
const BOTTOM: f32 = 396.0;
const TEXT: f32 = 26.0;
/// Between two labels.
const GAP: f32 = 16.0;
/// Between a label and the edge.
const EDGE: f32 = 8.0;
/// Of its place, a bar takes so much.
const FULL: f32 = 0.74;
const WIDEST: f32 = 110.0;
/// A value that is not zero is seen.
const LEAST: f32 = 3.0;

/// Where the bars stand.
struct Plot {
    left: f32,
    right: f32,
    /// Width of a bar's place.
    slot: f32,
    scale: Scale,
}

impl Plot {
    fn middle(&self, at: f32) -> f32 {
        self.left + (at + 0.5) * self.slot
    }

    fn height_of(&self, value: Decimal) -> f32 {
        BOTTOM - self.scale.place(value) * (BOTTOM - TOP)
    }
}

pub(crate) fn draw(chart: &Chart, fonts: &Fonts) -> Canvas {
    let mut canvas = Canvas::of(chart, fonts, HEIGHT);
    let scale = Scale::of(chart.bars.iter().map(|bar| bar.value));
    let ticks: Vec<(Decimal, String)> = scale.ticks().into_iter().map(|tick| (tick, short(tick))).collect();
    let ticks_width = widest(fonts, Weight::Regular, ticks.iter().map(|(_, text)| text.as_str()));
    let (left, right) = (MARGIN + ticks_width + 14.0, WIDTH - MARGIN);
    let count = u16::try_from(chart.bars.len()).unwrap_or(MOST).min(MOST);
    let plot = Plot { left, right, slot: (right - left) / f32::from(count.max(1)), scale };

    let pen = Pen { size: TEXT, weight: Weight::Regular, colour: SOFT, anchor: Anchor::End };
    for (tick, text) in &ticks {
        let y = plot.height_of(*tick);
        line(&mut canvas, &plot, y, TRACK);
        canvas.text(left - 14.0, y + 9.0, pen, Ground::Plain, text);
    }
    let bars: Vec<(&Bar, u16)> = chart.bars.iter().zip(0..count).collect();
    for (bar, at) in &bars {
        column(&mut canvas, &plot, bar, *at);
    }
    line(&mut canvas, &plot, plot.height_of(Decimal::ZERO), AXIS);
    labels(&mut canvas, fonts, &plot, &bars);
    values(&mut canvas, fonts, &plot, &bars);
    canvas
}

fn line(canvas: &mut Canvas, plot: &Plot, y: f32, colour: u32) {
    canvas.bar(Area { x: plot.left, y: y - 1.0, width: plot.right - plot.left, height: 2.0 }, 0.0, colour);
}

fn column(canvas: &mut Canvas, plot: &Plot, bar: &Bar, at: u16) {
    if bar.value.is_zero() {
        return;
    }
    let width = (plot.slot * FULL).min(WIDEST);
    let (zero, end) = (plot.height_of(Decimal::ZERO), plot.height_of(bar.value));
    let height = (end - zero).abs().max(LEAST);
    let y = if bar.value.is_sign_negative() { zero } else { zero - height };
    let colour = bar.colour.unwrap_or(if bar.value.is_sign_negative() { BELOW_ZERO } else { BAR });
    let area = Area { x: plot.middle(f32::from(at)) - width / 2.0, y, width, height };
    canvas.bar(area, (width / 6.0).min(height / 2.0).min(5.0), colour);
}

/// As many labels as have room, at even distances.
fn labels(canvas: &mut Canvas, fonts: &Fonts, plot: &Plot, bars: &[(&Bar, u16)]) {
    let room = plot.right - plot.left;
    let fit = |(bar, at): &(&Bar, u16)| (fonts.fit(&bar.label, TEXT, Weight::Regular, room, Cut::End), *at);
    let bars: Vec<(String, u16)> = bars.iter().map(fit).collect();
    let half = widest(fonts, Weight::Regular, bars.iter().map(|(label, _)| label.as_str())) / 2.0;
    let pen = Pen { size: TEXT, weight: Weight::Regular, colour: SOFT, anchor: Anchor::Middle };
    let mut free_from = 0.0_f32;
    let mut apart = None;
    for (label, at) in bars {
        let x = plot.middle(f32::from(at)).min(WIDTH - EDGE - half).max(EDGE + half);
        let is_turn = apart.is_none_or(|apart: u16| at % apart == 0);
        if !is_turn || x - half < free_from {
            continue;
        }
        if at > 0 && apart.is_none() {
            apart = Some(at);
        }
        free_from = x + half + GAP;
        canvas.text(x, BOTTOM + 40.0, pen, Ground::Plain, &label);
    }
}

/// The value of every bar where all have room, else of the highest.
fn values(canvas: &mut Canvas, fonts: &Fonts, plot: &Plot, bars: &[(&Bar, u16)]) {
    let shown = || bars.iter().copied().filter(|(bar, _)| !bar.value.is_zero());
    let all_fit = widest(fonts, Weight::Bold, shown().map(|(bar, _)| bar.text.as_str())) + 8.0 < plot.slot;
    let highest = shown().map(|(bar, _)| bar.value).max();
    let highest = shown().find(|(bar, _)| Some(bar.value) == highest).map(|(_, at)| at);
    let pen = Pen { size: TEXT, weight: Weight::Bold, colour: STRONG, anchor: Anchor::Middle };
    for (bar, at) in shown().filter(|(_, at)| all_fit || Some(*at) == highest) {
        let text = fonts.fit(&bar.text, TEXT, Weight::Bold, plot.right - plot.left, Cut::End);
        let half = fonts.width(&text, TEXT, Weight::Bold) / 2.0;
        let x = plot.middle(f32::from(at)).min(plot.right - half).max(plot.left + half);
        canvas.text(x, plot.height_of(bar.value.max(Decimal::ZERO)) - 12.0, pen, Ground::Busy, &text);
    }
}

fn widest<'a>(fonts: &Fonts, weight: Weight, texts: impl Iterator<Item = &'a str>) -> f32 {
    texts.map(|text| fonts.width(text, TEXT, weight)).fold(0.0, f32::max)
}
