//! The targets that are assigned: powers of two, four per octave, or one.

/// How far apart targets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steps {
    /// 2^¼, or 19 %, apart.
    #[default]
    Fine,
    /// Powers of two, for miners that accept no others.
    PowersOfTwo,
}

impl Steps {
    /// The step's width in octaves.
    pub fn width(self) -> f64 {
        match self {
            Self::Fine => 0.25,
            Self::PowersOfTwo => 1.0,
        }
    }

    /// The step next to `wanted`, as a target.
    pub fn nearest(self, wanted: f64) -> u64 {
        let octaves = (octaves(wanted) / self.width()).round() * self.width();
        // A cast of a float saturates.
        octaves.exp2().round() as u64
    }

    /// `target`, or the step below it if miners of this kind cannot use it.
    pub fn at_most(self, target: u64) -> u64 {
        match self {
            Self::Fine => target,
            Self::PowersOfTwo => 1 << target.max(1).ilog2(),
        }
    }
}

/// The binary logarithm of a target; 0 for anything below 1.
pub fn octaves(target: f64) -> f64 {
    target.max(1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fine_steps_are_a_quarter_of_an_octave_and_never_farther_off_than_half_of_it() {
        for wanted in [1.0, 1.3, 3.0, 100.0, 12_345.6, 1e9, 1e18] {
            let target = Steps::Fine.nearest(wanted) as f64;
            // Below 16 whole numbers are too coarse for quarters.
            let tolerance = if wanted < 16.0 { 0.5 } else { 0.13 };
            assert!((octaves(target) - octaves(wanted)).abs() <= tolerance, "{wanted} became {target}");
        }
    }

    #[test]
    fn the_ends_of_the_scale_are_targets() {
        for steps in [Steps::Fine, Steps::PowersOfTwo] {
            assert_eq!(steps.nearest(0.0), 1);
            assert_eq!(steps.nearest(-5.0), 1);
            assert_eq!(steps.nearest(f64::MAX), u64::MAX);
            assert_eq!(steps.at_most(1), 1);
        }
    }

    #[test]
    fn powers_of_two_stay_powers_of_two() {
        for wanted in [1.0, 5.0, 6.0, 100.0, 1e6] {
            assert!(Steps::PowersOfTwo.nearest(wanted).is_power_of_two());
        }
        assert_eq!(Steps::PowersOfTwo.at_most(1000), 512);
        assert_eq!(Steps::PowersOfTwo.at_most(u64::MAX), 1 << 63);
        assert_eq!(Steps::Fine.at_most(1000), 1000);
    }
}
