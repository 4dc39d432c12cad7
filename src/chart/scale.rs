//! Where values lie between the ends of an axis, and which round values it shows.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Most steps of an axis.
const STEPS: f32 = 4.0;
/// By how much of a step a value may lie beyond the end, which nobody sees and rounding may cause.
const SLACK: f32 = 0.001;

/// An axis that begins and ends with a round value, and holds zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f32,
    high: f32,
    step: Decimal,
}

impl Scale {
    /// The axis for these values.
    pub(crate) fn of(values: impl Iterator<Item = Decimal> + Clone) -> Self {
        let whole = values.clone().all(|value| value.fract().is_zero());
        let (low, high) = values
            .map(pixels)
            .fold((0.0_f32, 0.0_f32), |(low, high), value| (low.min(value), high.max(value)));
        let least = if whole { Decimal::ONE } else { Decimal::new(1, 2) };
        let step = step(high - low, least);
        let unit = pixels(step);
        let (low, high) = ((low / unit + SLACK).floor(), (high / unit - SLACK).ceil());
        Self { low: low * unit, high: high * unit, step }
    }

    /// The axis for these values that ends where they end.
    pub(crate) fn tight(values: impl Iterator<Item = Decimal>) -> Self {
        let ends = |(low, high): (f32, f32), value: f32| (low.min(value), high.max(value));
        let (low, high) = values.map(pixels).fold((0.0, 0.0), ends);
        Self { low, high, step: Decimal::ONE }
    }

    /// Where a value lies: 0 is the low end, 1 the high one.
    pub(crate) fn place(&self, value: Decimal) -> f32 {
        let span = self.high - self.low;
        if span > 0.0 { ((pixels(value) - self.low) / span).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The round values, from the low end to the high one.
    pub(crate) fn ticks(&self) -> Vec<Decimal> {
        let unit = pixels(self.step);
        let first = (self.low / unit).round().to_i64().unwrap_or_default();
        let last = (self.high / unit).round().to_i64().unwrap_or_default();
        (first..=last).map(|at| self.step.saturating_mul(Decimal::from(at))).collect()
    }
}

/// The smallest of 1, 2, 5, 10, … that takes few steps.
fn step(span: f32, least: Decimal) -> Decimal {
    let mut step = least;
    let mut factors = [Decimal::TWO, Decimal::new(25, 1), Decimal::TWO].into_iter().cycle();
    while span / pixels(step) > STEPS {
        let Some(next) = factors.next().and_then(|factor| step.checked_mul(factor)) else { break };
        step = next;
    }
    step
}

/// Only for places in a picture: amounts are never counted with it.
fn pixels(value: Decimal) -> f32 {
    value.to_f32().unwrap_or_default()
}

/// A round value in few characters: `1.5k`.
pub(crate) fn short(value: Decimal) -> String {
    let units = [(1_000_000_000_000_i64, "T"), (1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];
    for (unit, sign) in units {
        let unit = Decimal::from(unit);
        if value.abs() >= unit {
            return format!("{}{sign}", (value / unit).round_dp(2).normalize());
        }
    }
    value.round_dp(2).normalize().to_string()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{Scale, short};

    fn ticks(hundredths: &[i64]) -> Vec<String> {
        let values = hundredths.iter().map(|value| Decimal::new(*value, 2));
        Scale::of(values).ticks().into_iter().map(short).collect()
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
    fn values_lie_between_the_ends() {
        let scale = Scale::tight([-100, 300].map(Decimal::from).into_iter());
        for (value, expected) in [(-100, 0.0), (0, 0.25), (300, 1.0)] {
            assert!((scale.place(Decimal::from(value)) - expected).abs() < f32::EPSILON);
        }
        let zeros = Scale::tight(std::iter::repeat_n(Decimal::ZERO, 3));
        assert!(zeros.place(Decimal::ZERO).abs() < f32::EPSILON);
        assert!(Scale::tight([Decimal::MIN, Decimal::MAX].into_iter()).place(Decimal::ZERO).is_finite());
    }
}
