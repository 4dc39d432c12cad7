//! Tests the rendered picture by its pixels.

use resvg::tiny_skia::Pixmap;

use super::canvas::{AXIS, BACKGROUND, BAR, NEGATIVE_BAR, TRACK};
use super::*;

fn bar(label: &str, value: i64) -> Bar {
    Bar {
        label: label.to_owned(),
        value: Decimal::from(value),
        text: value.to_string(),
        colour: None,
        url: None,
    }
}

fn drawn(shape: Shape, bars: Vec<Bar>) -> Pixmap {
    let chart = Chart { title: "Title".into(), subtitle: "Subtitle".into(), shape, bars, ..Chart::default() };
    Pixmap::decode_png(&png(&chart).unwrap()).unwrap()
}

/// The RGB value of a pixel. Checks that it is opaque.
fn rgb(picture: &Pixmap, x: u32, y: u32) -> u32 {
    let pixel = picture.pixel(x, y).unwrap();
    assert_eq!(pixel.alpha(), 255, "opaque at {x}, {y}");
    u32::from_be_bytes([0, pixel.red(), pixel.green(), pixel.blue()])
}

/// How many pixels have a colour.
fn count(picture: &Pixmap, colour: u32) -> usize {
    let all = (0..picture.height()).flat_map(|y| (0..picture.width()).map(move |x| (x, y)));
    all.filter(|(x, y)| rgb(picture, *x, *y) == colour).count()
}

/// How many pixels of a line have a colour.
fn along(picture: &Pixmap, y: u32, colour: u32) -> usize {
    (0..picture.width()).filter(|x| rgb(picture, *x, y) == colour).count()
}

/// How many pixels of a column have a colour.
fn down(picture: &Pixmap, x: u32, colour: u32) -> usize {
    (0..picture.height()).filter(|y| rgb(picture, x, *y) == colour).count()
}

#[test]
fn rows_are_as_long_as_their_values() {
    let picture = drawn(Shape::Rows, vec![bar("a", 100), bar("b", 50), bar("c", 0)]);
    assert_eq!((picture.width(), picture.height()), (800, 138 + 3 * 64));
    let lengths = [167, 231, 295].map(|y| along(&picture, y, BAR));
    assert!((735..=740).contains(&lengths[0]), "{lengths:?}");
    assert!((365..=370).contains(&lengths[1]), "{lengths:?}");
    assert_eq!(lengths[2], 0);
    assert!(along(&picture, 295, TRACK) > 730);
}

#[test]
fn a_row_has_its_own_colour() {
    let red = Bar { colour: Some(0x00DA_373C), ..bar("cancelled", 3) };
    let picture = drawn(Shape::Rows, vec![red]);
    assert!(count(&picture, 0x00DA_373C) > 10_000);
    assert_eq!(count(&picture, BAR), 0);
}

#[test]
fn columns_are_as_high_as_their_values() {
    let picture = drawn(Shape::Columns, vec![bar("1 Nov", 40), bar("2 Nov", 20), bar("3 Nov", 0)]);
    let middle = |at: u32| 73 + (at * 2 + 1) * 697 / 6;
    let heights = [0, 1, 2].map(|at| down(&picture, middle(at), BAR));
    assert!((236..=240).contains(&heights[0]), "{heights:?}");
    assert!((116..=120).contains(&heights[1]), "{heights:?}");
    assert_eq!(heights[2], 0);
    assert!(along(&picture, 396, AXIS) > 600);
}

#[test]
fn negative_bars_point_the_other_way() {
    for shape in [Shape::Rows, Shape::Columns] {
        let picture = drawn(shape, vec![bar("a", 30), bar("b", -30)]);
        let (up, down) = (count(&picture, BAR), count(&picture, NEGATIVE_BAR));
        assert!(up > 4000 && up.abs_diff(down) < up / 20, "{shape:?}: {up} and {down}");
    }
}

#[test]
fn the_rest_has_text_but_no_bar() {
    let chart = |rest| Chart { bars: vec![bar("a", 1)], rest, ..Chart::default() };
    let picture = |rest| Pixmap::decode_png(&png(&chart(rest)).unwrap()).unwrap();
    let (without, with) = (picture(None), picture(Some(bar("12 others", 1_000_000))));
    assert!(with.height() > without.height());
    assert_eq!(count(&with, BAR), count(&without, BAR));
    let ink =
        |picture: &Pixmap| (0..picture.height()).map(|y| 800 - along(picture, y, BACKGROUND)).sum::<usize>();
    assert!(ink(&with) > ink(&without) + 500);
}

#[test]
fn long_names_that_differ_only_at_their_end_look_different() {
    let long = "Scarlet & Violet Prismatic Evolutions Elite Trainer ".repeat(2);
    let row = |end: &str| bar(&format!("{long}{end}"), 5);
    let picture = drawn(Shape::Rows, vec![row("Box"), row("Bundle")]);
    let same = (0..44).all(|y| (0..700).all(|x| rgb(&picture, x, 122 + y) == rgb(&picture, x, 186 + y)));
    assert!(!same);
}

#[test]
fn every_label_and_every_value_can_be_drawn() {
    let labels =
        ["<b>&\"'</b>", "]]>", "&#0;", "\u{0}\u{ffff}\u{202e}", "🔥👩‍👩‍👧", "東京", "", " ", "שלום مرحبا"];
    let values = [0, 1, -1, i64::MAX, i64::MIN];
    for shape in [Shape::Rows, Shape::Columns] {
        drawn(shape, Vec::new());
        drawn(shape, vec![bar("0", 0)]);
        drawn(shape, labels.map(|label| bar(label, 1)).into());
        drawn(shape, values.map(|value| bar(&"W".repeat(5000), value)).into());
        let bars = (0..10_000).map(|day| bar("a day", day)).collect();
        let picture = drawn(shape, bars);
        assert!(picture.height() < 1000);
    }
    let extreme = Bar { value: Decimal::MAX, ..bar("most", 1) };
    drawn(Shape::Columns, vec![extreme.clone(), Bar { value: Decimal::MIN, ..extreme }]);
}
