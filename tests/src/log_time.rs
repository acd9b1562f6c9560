//! When a line of a node's log was written.

/// The time of a line that begins like `2026-01-31T12:34:56.789012Z`, in seconds since 1970.
pub fn of(line: &str) -> Option<f64> {
    let (date, clock) = line.split_whitespace().next()?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut clock = clock.strip_suffix('Z')?.split(':').map(|part| part.parse::<f64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    Some(86_400.0 * days_since_1970(year, month, day) as f64 + 3_600.0 * hours + 60.0 * minutes + seconds)
}

/// In the Gregorian calendar. Years begin in March here, so that a leap day is the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    146_097 * era + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_seconds_since_1970() {
        assert_eq!(of("1970-01-01T00:00:00.000000Z  INFO x"), Some(0.0));
        assert_eq!(of("2026-11-30T10:41:06.250000Z  INFO x"), Some(1_796_035_266.25));
        assert_eq!(of("2028-03-01T00:00:00Z x").unwrap() - of("2028-02-29T00:00:00Z x").unwrap(), 86_400.0);
    }

    #[test]
    fn a_line_without_a_time_has_none() {
        for line in ["", "no time", "2026-11-30", "2026-11-30T10:41", "2026-x-30T10:41:06Z"] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
