//! Column patterns: regular expressions that the texts of a column have in common.
//!
//! ```text
//!  text ──shape──▶ words, numbers, gaps, other characters ──count──▶ groups ──finish──▶ patterns, the most frequent first
//! ```
//!
//! SSIS does not say how it finds patterns; this way gives what it wrote of codes and numbers, and wider ones of names:
//!
//! - Texts of one shape make a pattern. A word that all of them have stays as it is (in capitals, unless case counts), one
//!   that is of one length in all is `\p{L}` so many times, any other `\p{L}+`; so with numbers and `\d`.
//! - Delimiters are one space; five words or more in a row are any number of words.
//! - Patterns are listed until they cover the percentage that is wanted; a shape of less than a hundredth of the texts, or
//!   one too many, is in `.*`, which then comes last. A frequency is a percentage of the texts, NULLs apart.

use std::collections::HashMap;

/// Words that stand for any number of them.
const RUN: usize = 5;
/// Times that a class is written out.
const WRITTEN: usize = 9;

/// What is asked of the patterns of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) delimiters: String,
    pub(super) symbols: String,
    pub(super) counts_case: bool,
    pub(super) patterns_max: usize,
    /// Percentage of the texts.
    pub(super) coverage: f64,
}

/// What a part of a text is; what it says is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Word,
    Number,
    /// A number of so many digits, up to [`WRITTEN`].
    Digits(usize),
    Gap,
    /// It stands for itself.
    Other(char),
    Words,
    Numbers,
}

/// The words or numbers at one place of a shape.
#[derive(Debug)]
struct Place {
    /// `None` when texts differ in it.
    same: Option<String>,
    /// Characters; `None` when texts differ in it.
    length: Option<usize>,
}

#[derive(Debug)]
struct Group {
    count: u64,
    places: Vec<Place>,
}

/// The shapes of the texts of a column.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    settings: Settings,
    groups: HashMap<Vec<Part>, Group>,
    texts: u64,
}

impl Patterns {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Shapes.
    pub(super) fn count(&self) -> usize {
        self.groups.len()
    }

    /// Takes a text; gives the bytes that are kept of it.
    pub(super) fn add(&mut self, text: &str) -> usize {
        self.texts += 1;
        let (shape, words) = self.shape(text);
        if let Some(group) = self.groups.get_mut(&shape) {
            group.count += 1;
            for (place, word) in group.places.iter_mut().zip(words) {
                place.same.take_if(|same| *same != word);
                let length = word.chars().count();
                place.length.take_if(|one| *one != length);
            }
            return 0;
        }
        let size = |word: &String| word.len() + size_of::<Place>();
        let kept = words.iter().map(size).sum::<usize>() + shape.len() * size_of::<Part>() + 64;
        let places = words.into_iter().map(|word| Place {
            length: Some(word.chars().count()),
            same: Some(word),
        });
        let (count, places) = (1, places.collect());
        self.groups.insert(shape, Group { count, places });
        kept
    }

    /// The shape of a text, and its words and numbers.
    fn shape(&self, text: &str) -> (Vec<Part>, Vec<String>) {
        let text = match self.settings.counts_case {
            true => text.to_owned(),
            false => text.to_uppercase(),
        };
        let mut parts: Vec<Part> = Vec::new();
        let mut words: Vec<String> = Vec::new();
        for one in text.chars() {
            let part = match one {
                one if self.settings.symbols.contains(one) => Part::Other(one),
                one if one.is_whitespace() || self.settings.delimiters.contains(one) => Part::Gap,
                one if one.is_ascii_digit() => Part::Number,
                one if one.is_alphabetic() => Part::Word,
                one => Part::Other(one),
            };
            let goes_on = parts.last() == Some(&part);
            match (part, words.last_mut()) {
                (Part::Gap, _) if goes_on || parts.is_empty() => {}
                (Part::Word | Part::Number, Some(word)) if goes_on => word.push(one),
                (Part::Word | Part::Number, _) => {
                    parts.push(part);
                    words.push(one.to_string());
                }
                _ => parts.push(part),
            }
        }
        if parts.last() == Some(&Part::Gap) {
            parts.pop();
        }
        let (mut shape, words) = runs(&parts, words);
        let mut lengths = words.iter().map(String::len);
        for part in &mut shape {
            let length = match part {
                Part::Word | Part::Number => lengths.next(),
                _ => None,
            };
            if let (Part::Number, Some(length)) = (&part, length.filter(|one| *one <= WRITTEN)) {
                *part = Part::Digits(length);
            }
        }
        (shape, words)
    }

    /// Patterns and their frequencies in percent.
    pub(super) fn finish(&self) -> Vec<(String, u64)> {
        let percent = |count: u64| (count as f64 * 100.0 / self.texts as f64).round() as u64;
        let mut groups: Vec<(u64, String)> = self.groups.iter().map(pattern).collect();
        groups.sort_unstable_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        let wanted = self.settings.coverage / 100.0 * self.texts as f64;
        let most = self.settings.patterns_max.max(1);
        let mut found: Vec<(u64, String)> = Vec::new();
        let mut covered = 0;
        for (count, pattern) in groups {
            if covered as f64 >= wanted {
                break;
            }
            if found.len() == most || count * 100 < self.texts {
                // The rest has one place.
                if found.len() == most {
                    covered -= found.pop().map_or(0, |(count, _)| count);
                }
                found.push((self.texts - covered, ".*".to_owned()));
                break;
            }
            covered += count;
            found.push((count, pattern));
        }
        let found = found.into_iter();
        found
            .map(|(count, pattern)| (pattern, percent(count)))
            .collect()
    }
}

/// A shape with its long runs of words, and the words that are in no such run.
fn runs(parts: &[Part], words: Vec<String>) -> (Vec<Part>, Vec<String>) {
    let mut words = words.into_iter();
    let (mut shape, mut kept) = (Vec::with_capacity(parts.len()), Vec::new());
    let mut at = 0;
    while let Some(&part) = parts.get(at) {
        let many = match part {
            Part::Word => Part::Words,
            Part::Number => Part::Numbers,
            other => {
                shape.push(other);
                at += 1;
                continue;
            }
        };
        let mut length = 1;
        while parts.get(at + length * 2 - 1..=at + length * 2) == Some(&[Part::Gap, part]) {
            length += 1;
        }
        match length >= RUN {
            true => {
                shape.push(many);
                words.by_ref().take(length).for_each(drop);
                at += length * 2 - 1;
            }
            false => {
                shape.push(part);
                kept.extend(words.next());
                at += 1;
            }
        }
    }
    (shape, kept)
}

/// How often a shape is there, and its regular expression.
fn pattern((shape, group): (&Vec<Part>, &Group)) -> (u64, String) {
    let mut pattern = String::new();
    let mut places = group.places.iter();
    for part in shape {
        let class = match part {
            Part::Word | Part::Words => r"\p{L}",
            Part::Number | Part::Digits(_) | Part::Numbers => r"\d",
            Part::Gap => {
                pattern.push(' ');
                continue;
            }
            Part::Other(one) => {
                if r"\*+?|{}[]()^$.#".contains(*one) {
                    pattern.push('\\');
                }
                pattern.push(*one);
                continue;
            }
        };
        if matches!(part, Part::Words | Part::Numbers) {
            pattern.push_str(&format!("{class}+( {class}+)+"));
            continue;
        }
        match places.next() {
            Some(Place {
                same: Some(word), ..
            }) => pattern.push_str(word),
            Some(Place {
                length: Some(length),
                ..
            }) if *length <= WRITTEN => pattern.push_str(&class.repeat(*length)),
            Some(Place {
                length: Some(length),
                ..
            }) => pattern.push_str(&format!("{class}{{{length}}}")),
            _ => pattern.push_str(&format!("{class}+")),
        }
    }
    (group.count, pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], patterns_max: usize, coverage: f64) -> Vec<(String, u64)> {
        let mut patterns = Patterns::new(Settings {
            symbols: "()-.,".to_owned(),
            patterns_max,
            coverage,
            ..Settings::default()
        });
        for text in texts {
            patterns.add(text);
        }
        patterns.finish()
    }

    fn one(texts: &[&str]) -> String {
        let found = found(texts, 10, 95.0);
        let found: Vec<String> = found
            .iter()
            .map(|(text, n)| format!("{text} {n}"))
            .collect();
        found.join("; ")
    }

    #[test]
    fn patterns_are_those_that_ssis_wrote() {
        let phones = ["(503) 555-9831", "(503) 555-3199", "(503) 555-9931"];
        assert_eq!(one(&phones), r"\(503\) 555-\d\d\d\d 100");
        assert_eq!(one(&["ALFKI", "ANATR"]), r"\p{L}\p{L}\p{L}\p{L}\p{L} 100");
        assert_eq!(one(&["Maria Anders", "Ana Trujillo"]), r"\p{L}+ \p{L}+ 100");
        assert_eq!(
            one(&["20.16.10.16", "26.47.15.20"]),
            r"\d\d\.\d\d\.\d\d\.\d\d 100"
        );
        assert_eq!(one(&["Owner", "owner"]), "OWNER 100");
        assert_eq!(
            one(&["São Paulo D.F.", "México D.F."]),
            "MÉXICO D\\.F\\. 50; SÃO PAULO D\\.F\\. 50"
        );

        let codes = ["12209", "05021", "1010", "08737-363"];
        assert_eq!(one(&codes), r"\d\d\d\d\d 50; 08737-363 25; 1010 25");
    }

    #[test]
    fn runs_of_words_and_gaps() {
        assert_eq!(
            one(&["a b c d e", "a b c d e f g"]),
            r"\p{L}+( \p{L}+)+ 100"
        );
        assert_eq!(one(&["1 2 3 4 5, x"]), r"\d+( \d+)+, X 100");
        assert_eq!(one(&[" a\t\n b  "]), "A B 100");
        assert_eq!(one(&["a b c d"]), "A B C D 100");
        assert_eq!(one(&["123456789012", "223456789012"]), r"\d{12} 100");
        assert_eq!(one(&["", "x*y"]), " 50; X\\*Y 50");
    }

    #[test]
    fn the_rest_is_one_pattern() {
        let texts = ["1", "2", "3", "a", "b", "-", "."];
        let all = |most, coverage| found(&texts, most, coverage);
        let wanted = |list: &[(&str, u64)]| {
            let list = list.iter().map(|(text, n)| ((*text).to_owned(), *n));
            list.collect::<Vec<_>>()
        };
        assert_eq!(all(10, 40.0), wanted(&[(r"\d", 43)]));
        assert_eq!(all(2, 95.0), wanted(&[(r"\d", 43), (".*", 57)]));
        assert_eq!(all(1, 95.0), wanted(&[(".*", 100)]));
        let whole = wanted(&[(r"\d", 43), (r"\p{L}", 29), ("-", 14), (r"\.", 14)]);
        assert_eq!(all(4, 100.0), whole);
        let mut many = vec!["1"; 200];
        many.push("odd");
        assert_eq!(found(&many, 10, 100.0), wanted(&[("1", 100), (".*", 0)]));
    }
}
