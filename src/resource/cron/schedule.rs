//! When a job runs: the five fields of crontab(5), in the form that every cron reads.

/// The names that stand for a whole schedule.
const NAMES: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// A field: what it counts, its least and its greatest number, and names from the least on.
struct Field(&'static str, u32, u32, &'static [&'static str]);

const FIELDS: [Field; 5] = [
    Field("minute", 0, 59, &[]),
    Field("hour", 0, 23, &[]),
    Field("day of the month", 1, 31, &[]),
    Field(
        "month",
        1,
        12,
        &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    ),
    // Sunday is 0 and 7.
    Field("day of the week", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Reads a schedule, with one blank between its fields.
///
/// # Errors
/// What it must be, with the part that is not.
pub(super) fn read(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.starts_with('@') {
        let known = NAMES.contains(&text);
        return known.then(|| text.to_owned()).ok_or_else(|| format!("one of {}, or five fields", NAMES.join(", ")));
    }
    let parts: Vec<&str> = text.split_whitespace().collect();
    let Ok(parts) = <[&str; 5]>::try_from(parts) else {
        return Err("five fields (minute, hour, day of the month, month, day of the week) or a name such as @daily".into());
    };
    let mut numbers = Vec::new();
    for (field, part) in FIELDS.iter().zip(parts) {
        let Field(what, least, most, names) = field;
        let chosen = field.numbers(part).ok_or_else(|| {
            let names = names.first().map_or(String::new(), |first| format!(", or a name such as {first}"));
            format!("a schedule; `{part}` is not a {what}: numbers from {least} to {most}{names}, *, ranges and steps")
        })?;
        numbers.push(chosen);
    }
    let [_, _, days, months, _] = numbers.as_slice() else { return Err("five fields".into()) };
    let longest = months.iter().map(|month| days_of(*month)).max().unwrap_or(31);
    // A day of the week counts beside the day of the month.
    if parts[4].starts_with('*') && days.iter().all(|day| *day > longest) {
        return Err(format!("a time that comes: no month of `{}` has a day `{}`", parts[3], parts[2]));
    }
    Ok(parts.join(" "))
}

fn days_of(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Field {
    /// The numbers that a field stands for; nothing where it is invalid.
    fn numbers(&self, text: &str) -> Option<Vec<u32>> {
        // A name stands alone: not every cron knows it in a list or a range.
        if let Some(place) = self.3.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(vec![self.1 + u32::try_from(place).ok()?]);
        }
        let mut numbers = Vec::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                // A step needs something to go through.
                Some((range, step)) if range == "*" || range.contains('-') => (range, number(step)?),
                Some(_) => return None,
                None => (item, 1),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.1, self.2),
                Some((from, to)) => (number(from)?, number(to)?),
                None => (number(range)?, number(range)?),
            };
            if from < self.1 || to > self.2 || from > to || step == 0 {
                return None;
            }
            numbers.extend((from..=to).step_by(usize::try_from(step).ok()?));
        }
        Some(numbers)
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_crontab_is_read() {
        for text in [
            "* * * * *",
            "*/15 0-6,22 1,15 * 1-5",
            "5 4 * jan sun",
            "0 0 31 * *",
            "0 0 29 2 *",
            "0 0 * * 7",
            "10-50/20 * * * MON",
            "0 0 31 2 5",
            "@daily",
            "@reboot",
        ] {
            assert_eq!(read(text), Ok(text.to_owned()), "{text}");
        }
        assert_eq!(read("  5   4\t* * *"), Ok("5 4 * * *".to_owned()));
    }

    #[test]
    fn anything_else_is_invalid_with_the_part_that_is() {
        for (text, part) in [
            ("60 * * * *", "`60`"),
            ("* 24 * * *", "`24`"),
            ("* * 0 * *", "`0`"),
            ("* * * 13 *", "`13`"),
            ("* * * * 8", "`8`"),
            ("5-1 * * * *", "`5-1`"),
            ("*/0 * * * *", "`*/0`"),
            ("5/10 * * * *", "`5/10`"),
            ("1,,2 * * * *", "`1,,2`"),
            ("* * * jan-mar *", "`jan-mar`"),
            ("0~30 * * * *", "`0~30`"),
            ("+5 * * * *", "`+5`"),
            ("* * * *", "five fields"),
            ("* * * * * *", "five fields"),
            ("", "five fields"),
            ("@often", "@daily"),
            ("0 0 30 2 *", "a day `30`"),
            ("0 0 31 4,6 *", "a day `31`"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([0-9*/,@ -]|[a-z]{1,3}){0,20}") {
            let _ = read(&text);
        }
    }
}
