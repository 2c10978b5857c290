//! Data types as Python writes them: `DT_I4`, `DT_WSTR,20`, `DT_STR,10,1252`, `DT_NUMERIC,9,2`.

use fletching::dtsx::DataType;

use crate::errors::{Outcome, Raised};

/// The type of a text in the form of a cast.
pub(crate) fn data_type(text: &str) -> Outcome<DataType> {
    let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
    inner.parse().map_err(|_| {
        let wanted = "as a cast has it is wanted: DT_I4; DT_WSTR,20; DT_STR,10,1252; DT_NUMERIC,9,2; DT_DBTIMESTAMP2,7";
        Raised::new("DesignError", format!("`{text}` is no data type: one {wanted}"))
    })
}

/// Types of variables and parameters: the names of .NET that the designer shows, and the numbers of a package (VARTYPE).
const VARIABLE_TYPES: [(&str, u16); 15] = [
    ("Int16", 2),
    ("Int32", 3),
    ("Single", 4),
    ("Double", 5),
    ("DateTime", 7),
    ("String", 8),
    ("Boolean", 11),
    ("Object", 13),
    ("Decimal", 14),
    ("SByte", 16),
    ("Byte", 17),
    ("Char", 18),
    ("UInt32", 19),
    ("Int64", 20),
    ("UInt64", 21),
];

/// The number of a variable's type.
pub(crate) fn variable_type(name: &str) -> Outcome<u16> {
    let mut known = VARIABLE_TYPES.iter();
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, number)| *number).ok_or_else(|| {
        let known: Vec<&str> = VARIABLE_TYPES.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "`{name}` is no type of a variable; there are: {}",
            known.join(", ")
        );
        Raised::new("DesignError", message)
    })
}

/// Its name; the number where it has none.
pub(crate) fn variable_type_name(number: u16) -> String {
    let mut known = VARIABLE_TYPES.iter();
    let found = known.find(|(_, known)| *known == number);
    found.map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
}
