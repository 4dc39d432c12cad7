//! Positions of values along an axis, and the round values that the axis shows.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const MAX_STEPS: f32 = 4.0;
/// Rounding may put a value this far beyond the end of the axis, as a share of a step. It is too little to
/// be visible.
const ROUNDING_TOLERANCE: f32 = 0.001;

/// An axis. It includes zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f32,
    high: f32,
    step: Decimal,
}

impl Scale {
    /// An axis for these values that begins and ends with a round value.
    pub(crate) fn rounded(values: impl Iterator<Item = Decimal> + Clone) -> Self {
        let whole = values.clone().all(|value| value.fract().is_zero());
        let (low, high) = values
            .map(to_float)
            .fold((0.0_f32, 0.0_f32), |(low, high), value| (low.min(value), high.max(value)));
        let min = if whole { Decimal::ONE } else { Decimal::new(1, 2) };
        let step = step(high - low, min);
        let unit = to_float(step);
        let (low, high) =
            ((low / unit + ROUNDING_TOLERANCE).floor(), (high / unit - ROUNDING_TOLERANCE).ceil());
        Self { low: low * unit, high: high * unit, step }
    }

    /// An axis for these values that ends where they end.
    pub(crate) fn tight(values: impl Iterator<Item = Decimal>) -> Self {
        let ends = |(low, high): (f32, f32), value: f32| (low.min(value), high.max(value));
        let (low, high) = values.map(to_float).fold((0.0, 0.0), ends);
        Self { low, high, step: Decimal::ONE }
    }

    /// The position of a value: 0 is the low end, 1 the high end.
    pub(crate) fn position(&self, value: Decimal) -> f32 {
        let span = self.high - self.low;
        if span > 0.0 { ((to_float(value) - self.low) / span).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The round values, from the low end to the high end.
    pub(crate) fn ticks(&self) -> Vec<Decimal> {
        let unit = to_float(self.step);
        let first = (self.low / unit).round().to_i64().unwrap_or_default();
        let last = (self.high / unit).round().to_i64().unwrap_or_default();
        (first..=last).map(|at| self.step.saturating_mul(Decimal::from(at))).collect()
    }
}

/// The smallest of 1, 2, 5, 10, … times `min` that needs at most [`MAX_STEPS`].
fn step(span: f32, min: Decimal) -> Decimal {
    let mut step = min;
    let mut factors = [Decimal::TWO, Decimal::new(25, 1), Decimal::TWO].into_iter().cycle();
    while span / to_float(step) > MAX_STEPS {
        let Some(next) = factors.next().and_then(|factor| step.checked_mul(factor)) else { break };
        step = next;
    }
    step
}

/// A value as a coordinate. Never used to calculate amounts.
fn to_float(value: Decimal) -> f32 {
    value.to_f32().unwrap_or_default()
}

/// A round value as short text: `1.5k`.
pub(crate) fn short_text(value: Decimal) -> String {
    let units = [(1_000_000_000_000_i64, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];
    for (unit, suffix) in units {
        let unit = Decimal::from(unit);
        if value.abs() >= unit {
            return format!("{}{suffix}", (value / unit).round_dp(2).normalize());
        }
    }
    value.round_dp(2).normalize().to_string()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{Scale, short_text};

    fn ticks(hundredths: &[i64]) -> Vec<String> {
        let values = hundredths.iter().map(|value| Decimal::new(*value, 2));
        Scale::rounded(values).ticks().into_iter().map(short_text).collect()
    }

    #[test]
    fn an_axis_shows_few_round_values_and_zero() {
        assert_eq!(ticks(&[]), ["0"]);
        assert_eq!(ticks(&[0, 0]), ["0"]);
        assert_eq!(ticks(&[100]), ["0", "1"]);
        assert_eq!(ticks(&[300]), ["0", "1", "2", "3"]);
        assert_eq!(ticks(&[7]), ["0", "0.02", "0.04", "0.06", "0.08"]);
        assert_eq!(ticks(&[123_456]), ["0", "500", "1k", "1.5k"]);
        assert_eq!(ticks(&[-25_000, 60_000]), ["-500", "0", "500", "1k"]);
        assert_eq!(ticks(&[99_999_999_999_999]), ["0", "500B", "1T"]);
        assert!(ticks(&[i64::MAX, i64::MIN]).len() < 8);
    }

    #[test]
    fn positions_are_between_the_ends() {
        let scale = Scale::tight([-100, 300].map(Decimal::from).into_iter());
        for (value, expected) in [(-100, 0.0), (0, 0.25), (300, 1.0)] {
            assert!((scale.position(Decimal::from(value)) - expected).abs() < f32::EPSILON);
        }
        let zeros = Scale::tight(std::iter::repeat_n(Decimal::ZERO, 3));
        assert!(zeros.position(Decimal::ZERO).abs() < f32::EPSILON);
        assert!(Scale::tight([Decimal::MIN, Decimal::MAX].into_iter()).position(Decimal::ZERO).is_finite());
    }
}
