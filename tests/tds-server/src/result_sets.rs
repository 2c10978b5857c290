//! `EXEC name ... WITH RESULT SETS ((a int, b nvarchar(10)), ...)`: what the columns of a procedure's results are called,
//! and of which type they are sent.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::SqlError;
use crate::script::{Tokens, is, split_commas, word};
use crate::sql_type::SqlType;

/// The columns of one result set.
pub(crate) type ResultSet = Vec<(String, SqlType)>;

/// Takes the clause from the end of what follows a procedure's name. `WITH RESULT SETS UNDEFINED` says nothing.
pub(crate) fn cut(run: &mut Tokens) -> Result<Vec<ResultSet>, SqlError> {
    let clause = ["WITH", "RESULT", "SETS"];
    let begins = |tokens: &[TokenWithSpan]| {
        let mut words = tokens.iter().map(|token| word(Some(token)));
        words.by_ref().take(clause.len()).eq(clause)
    };
    let Some(at) = run.windows(clause.len()).position(begins) else {
        return Ok(Vec::new());
    };
    let tokens = run.split_off(at);
    let tokens = tokens.get(clause.len()..).unwrap_or_default();
    if word(tokens.first()) == "UNDEFINED" {
        return Ok(Vec::new());
    }
    let sets = parenthesized(tokens)?;
    let sets = split_commas(&sets);
    sets.iter()
        .map(|set| {
            let columns = parenthesized(set)?;
            split_commas(&columns)
                .iter()
                .map(|column| of(column))
                .collect()
        })
        .collect()
}

/// What is between the parentheses that open at the beginning.
fn parenthesized(tokens: &[TokenWithSpan]) -> Result<Tokens, SqlError> {
    let mut depth = 0_i32;
    let end = tokens.iter().position(|token| {
        depth += match token.token {
            Token::LParen => 1,
            Token::RParen => -1,
            _ => 0,
        };
        depth == 0
    });
    match end {
        Some(end) if is(tokens.first(), &Token::LParen) => {
            Ok(tokens.get(1..end).unwrap_or_default().to_vec())
        }
        _ => Err(SqlError::syntax("RESULT SETS")),
    }
}

/// `[WWI City ID] int NOT NULL`
fn of(column: &[TokenWithSpan]) -> Result<(String, SqlType), SqlError> {
    let Some(Token::Word(name)) = column.first().map(|token| &token.token) else {
        return Err(SqlError::syntax("RESULT SETS"));
    };
    let ends = ["NULL", "NOT", "COLLATE"];
    let texts = column.iter().skip(1);
    let texts = texts.take_while(|token| !ends.contains(&word(Some(token)).as_str()));
    let text: String = texts.map(|token| token.token.to_string()).collect();
    let ty = SqlType::parse(&text)
        .ok_or_else(|| SqlError::unsupported(format_args!("a result of type {text}")))?;
    Ok((name.value.clone(), ty))
}
