//! The text of a query of one key.

/// How many parameter markers a statement has; those in texts, quoted names and comments are none.
pub(super) fn markers(sql: &str) -> usize {
    let mut count = 0;
    let mut rest = sql.chars().peekable();
    while let Some(letter) = rest.next() {
        let end = match letter {
            '?' => {
                count += 1;
                continue;
            }
            '\'' | '"' | '`' => letter,
            '[' => ']',
            '-' if rest.peek() == Some(&'-') => '\n',
            '/' if rest.peek() == Some(&'*') => {
                let mut before = ' ';
                for letter in rest.by_ref().skip(1) {
                    if before == '*' && letter == '/' {
                        break;
                    }
                    before = letter;
                }
                continue;
            }
            _ => continue,
        };
        // A doubled end inside opens what follows once more.
        let _inside = rest.by_ref().find(|letter| *letter == end);
    }
    count
}

/// The columns that the statement compares with its parameters, if it is as the designer writes it: `select * from (...)
/// [refTable] where [refTable].[a] = ? and ...`. A NULL is equal to no row then.
pub(super) fn equal_columns(sql: &str) -> Option<Vec<String>> {
    let (_, condition) = sql
        .get(condition_at(sql)?..)?
        .split_at_checked(WHERE.len())?;
    let parts = split_words(condition, "and");
    parts
        .map(|part| {
            let (column, value) = part.split_once('=')?;
            let column: String = column
                .trim()
                .chars()
                .filter(|letter| !"[]`\"".contains(*letter))
                .collect();
            let (table, name) = column.split_once('.')?;
            let is_plain = !name.contains(['(', ')', '<', '>', '!', '.']);
            let is_equal = value.trim() == "?" && table.trim().eq_ignore_ascii_case("refTable");
            (is_equal && is_plain).then(|| name.to_owned())
        })
        .collect()
}

/// The statement of one key, of the designer's own shape, for a number of keys.
pub(super) fn for_keys(sql: &str, keys: usize) -> String {
    let split = condition_at(sql).filter(|_| keys > 1);
    let parts = split.and_then(|at| sql.split_at_checked(at + WHERE.len()));
    let Some((head, condition)) = parts else {
        return sql.to_owned();
    };
    let condition = format!("({})", condition.trim());
    format!("{head} {}", vec![condition; keys].join(" or "))
}

const WHERE: &str = "where";

/// Where the word `where` stands that is the last one.
fn condition_at(sql: &str) -> Option<usize> {
    let lower = sql.to_ascii_lowercase();
    let found = lower.rmatch_indices(WHERE).map(|(at, _)| at);
    found.filter(|at| is_word(&lower, *at, WHERE.len())).max()
}

/// Whether a match in a text has no letter beside it.
fn is_word(text: &str, at: usize, length: usize) -> bool {
    let beside =
        |letter: Option<char>| letter.is_some_and(|one| one.is_alphanumeric() || one == '_');
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let after = text.get(at + length..).and_then(|text| text.chars().next());
    !beside(before) && !beside(after)
}

/// The pieces between a word, in lower or upper case.
fn split_words<'a>(text: &'a str, word: &str) -> impl Iterator<Item = &'a str> {
    let lower = text.to_ascii_lowercase();
    let mut ends: Vec<usize> = lower
        .match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| is_word(&lower, *at, word.len()))
        .collect();
    ends.push(text.len());
    let length = word.len();
    let mut start = 0;
    ends.into_iter().map(move |end| {
        let piece = text.get(start..end).unwrap_or_default();
        start = end + length;
        piece
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_counted_where_they_are_some() {
        let sql =
            "select '?', [a?b], \"?\" /* ? */ -- ?\n from t where a = ? and b = 'it''s ?' and c=?";
        assert_eq!(markers(sql), 2);
    }

    #[test]
    fn the_shape_of_the_designer() {
        let own = "select * from (select * from [dbo].[T] where x = 1) [refTable]\r\nwhere [refTable].[a b] = ? and [refTable].[c] = ?";
        assert_eq!(equal_columns(own).unwrap(), ["a b", "c"]);
        assert_eq!(for_keys(own, 1), own);
        assert!(for_keys(own, 2).ends_with(
            "[refTable]\r\nwhere ([refTable].[a b] = ? and [refTable].[c] = ?) or ([refTable].[a b] = ? and [refTable].[c] = ?)"
        ));
        let older = "SELECT * FROM (select * from t) as refTable WHERE refTable.a = ?";
        assert_eq!(equal_columns(older).unwrap(), ["a"]);
        for other in [
            "select * from t where a = ? or (a is null and ? is null)",
            "select * from t",
            "select * from (q) [refTable] where [refTable].[d] <= ? and [refTable].[a] = ?",
            "select * from (q) [refTable] where [refTable].[a] = ? order by 1",
            "select * from (q) [refTable] where [refTable].[a] = ? or [refTable].[b] = ?",
        ] {
            assert_eq!(equal_columns(other), None, "{other}");
        }
    }
}
