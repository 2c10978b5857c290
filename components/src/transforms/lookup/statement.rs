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

/// Whether the statement is as the designer writes it, `select * from (...) [refTable] where [refTable].[a] = ? and ...`,
/// so that a NULL is equal to no row.
pub(super) fn by_equality(sql: &str) -> bool {
    let words: String = sql
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let Some((_, condition)) = words.rsplit_once(" where ") else {
        return false;
    };
    condition.split(" and ").all(|part| {
        let Some((column, value)) = part.split_once('=') else {
            return false;
        };
        let column: String = column
            .chars()
            .filter(|letter| !"[]`\" ".contains(*letter))
            .collect();
        value.trim() == "?"
            && column.starts_with("reftable.")
            && !column.contains(['(', ')', '<', '>', '!'])
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
        assert!(by_equality(own));
        assert!(by_equality(
            "select * from (select * from t) as refTable where refTable.a = ?"
        ));
        assert!(!by_equality(
            "select * from t where a = ? or (a is null and ? is null)"
        ));
        assert!(!by_equality("select * from t"));
        assert!(!by_equality(
            "select top 1 * from (q) [refTable] where [refTable].[d] <= ? and [refTable].[a] = ?"
        ));
    }
}
