//! Texts of a table that have more room than the package knew of.

use dtsx::{DataType, SsisCode};
use fletching_connections::{database::TableColumn, sql::Dialect};

use super::DatabaseAccess;
use crate::{
    Drift,
    flow::{FlowError, RunState},
};

/// How much a column takes: characters, or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    UpTo(u32),
    Any,
}

/// A longer one is what a database or its driver says where there is no limit.
const LENGTH_MAX: u32 = 65_534;

/// The room of a column as the database declares it: `nvarchar(50)`, `character varying(50)`, `varbinary(max)`. `None` for
/// types without a length, and for what other databases have instead of one.
fn room(declared: &str, dialect: Dialect) -> Option<Room> {
    let (name, length) = declared.split_once('(')?;
    let name = name.to_ascii_lowercase();
    if !name.contains("char") && !name.contains("binary") {
        return None;
    }
    let length = length.split([')', ',']).next()?.trim();
    if length.eq_ignore_ascii_case("max") {
        return (dialect == Dialect::MsSql).then_some(Room::Any);
    }
    let length = length.parse().ok()?;
    (length <= LENGTH_MAX).then_some(Room::UpTo(length))
}

/// What the column has become, if it has outgrown the type that the package was saved with.
fn outgrown(declared: &str, saved: &DataType, dialect: Dialect) -> Option<String> {
    let length = match saved {
        DataType::WStr { length } | DataType::Str { length, .. } | DataType::Bytes { length } => {
            *length
        }
        _ => return None,
    };
    let has = match room(declared, dialect)? {
        Room::UpTo(found) if found > length => found.to_string(),
        Room::UpTo(_) => return None,
        Room::Any => "any length".to_owned(),
    };
    Some(format!("had room for {length}, has {has}"))
}

/// Compares the columns of a table with those of a package, `(name, type)`: where one has grown, a strict run ends and
/// another one warns, but for one that widens its texts anyway.
pub(super) fn check_lengths<'c>(
    access: &DatabaseAccess,
    (table, live): (&str, &[TableColumn]),
    saved: impl Iterator<Item = (&'c str, &'c DataType)>,
    (dialect, drift): (Dialect, Drift),
    run: &RunState,
) -> Result<(), FlowError> {
    let grown = saved.filter_map(|(name, saved)| {
        let widens = drift == Drift::Widen && !matches!(saved, DataType::Bytes { .. });
        let found = live
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))?;
        let what = outgrown(&found.declared, saved, dialect).filter(|_| !widens)?;
        Some(format!("`{name}` {what}"))
    });
    let grown: Vec<String> = grown.collect();
    if grown.is_empty() {
        return Ok(());
    }
    let grown = grown.join(", ");
    if drift == Drift::Strict {
        let message = format!(
            "columns of {table} have grown since the package was saved: {grown}; open the source in the designer, or run with \
             `--drift by-name`"
        );
        let code = Some(SsisCode(0xC020_2005)); // DTS_E_COLUMNNOTFOUND
        return Err(FlowError::new(&access.path, code, message));
    }
    run.warn(format!(
        "{}: columns of {table} have grown since the package was saved: {grown}; what does not fit goes where the truncation \
         dispositions say",
        access.path
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_have_outgrown_their_types() {
        let text = DataType::WStr { length: 50 };
        let bytes = DataType::Bytes { length: 8 };
        let (ms, pg) = (Dialect::MsSql, Dialect::Postgres);
        let cases = [
            ("nvarchar(50)", &text, ms, None),
            ("nvarchar(40)", &text, ms, None),
            ("nvarchar(51)", &text, ms, Some("had room for 50, has 51")),
            (
                "nvarchar(max)",
                &text,
                ms,
                Some("had room for 50, has any length"),
            ),
            (
                "character varying(60)",
                &text,
                pg,
                Some("had room for 50, has 60"),
            ),
            ("VARCHAR(65536)", &text, pg, None),
            ("varchar", &text, pg, None),
            ("text", &text, pg, None),
            ("decimal(60,2)", &text, pg, None),
            ("binary(9)", &bytes, ms, Some("had room for 8, has 9")),
            ("nvarchar(9)", &DataType::I4, ms, None),
        ];
        for (declared, saved, dialect, wanted) in cases {
            assert_eq!(
                outgrown(declared, saved, dialect).as_deref(),
                wanted,
                "{declared}"
            );
        }
    }
}
