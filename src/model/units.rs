//! Sizes, durations and names in words that people read.

use std::time::Duration;

use super::without_hidden;

/// Bytes as hexadecimal digits.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A number of bytes with a binary unit: `512 B`, `1.5 KiB`, `12.4 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// A duration for people: `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..=59 if time.subsec_millis() == 0 => format!("{seconds} s"),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A time that somebody writes: `10`, `10s`, `500ms`, `2m`, `2min`, `1h`.
///
/// # Errors
/// With what is wrong with it, in words.
pub fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.trim().parse().map_err(|_| format!("`{text}` is not a time; use 10s or 2m"))?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        unit => return Err(format!("`{unit}` is not a unit of time; use ms, s, m or h")),
    };
    if seconds <= 0.0 {
        return Err("a time limit must be more than 0".into());
    }
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

/// Bytes per second that somebody writes: `500K`, `20M`, `1G`, in powers of 1024.
///
/// # Errors
/// With what is wrong with it, in words.
pub fn rate(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 64 << 10;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 =
        digits.trim().parse().map_err(|_| format!("`{text}` is not a rate; use 500K or 20M"))?;
    let unit: u64 = match &text[digits.len()..] {
        "K" | "k" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        unit => return Err(format!("`{unit}` is not a unit of bytes per second; use K, M or G")),
    };
    let rate = (number * unit as f64) as u64;
    if rate < LEAST {
        return Err(format!("a copy takes {} per second at least", bytes(LEAST)));
    }
    Ok(rate)
}

/// A name from outside as one line of text: what would move the cursor, or end the line, is escaped, and no secret
/// is in it.
pub fn visible(name: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    without_hidden(name).chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(time("10"), Ok(Duration::from_secs(10)));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(time("1.5h"), Ok(Duration::from_secs(5400)));
        for wrong in ["soon", "0", "-1", "", "s", "3 weeks", "inf", "NaN", "1e300"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(13_314_398_618), "12.4 GiB");
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        assert_eq!(duration(Duration::from_millis(4200)), "4.2 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 5 s");
        assert_eq!(visible("e\n\u{1b}[2Jü'"), "e\\n\\u{1b}[2Jü'");
    }
}
