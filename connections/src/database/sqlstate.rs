//! SQLSTATE, as ODBC, ADBC and PostgreSQL give it, to [`Fault`].

use super::Fault;

/// The states that mean something else than their class.
const STATES: [(&str, Fault); 20] = [
    ("42501", Fault::Denied),
    ("42P01", Fault::Missing), // table (PostgreSQL)
    ("42703", Fault::Missing), // column
    ("42883", Fault::Missing), // function
    ("42704", Fault::Missing), // object
    ("42S02", Fault::Missing), // table (ODBC)
    ("42S22", Fault::Missing), // column
    ("3F000", Fault::Missing),
    ("55P03", Fault::Locked),
    ("57014", Fault::Cancelled),
    ("57P01", Fault::Lost), // the server goes down, or ended this session
    ("57P02", Fault::Lost),
    ("57P03", Fault::Unreachable),
    ("HY008", Fault::Cancelled),
    ("HY013", Fault::Full),
    ("HYC00", Fault::Unsupported),
    ("IM001", Fault::Unsupported),
    ("IM002", Fault::Unreachable),
    ("IM003", Fault::Unreachable),
    ("IM004", Fault::Unreachable),
];

const CLASSES: [(&str, Fault); 13] = [
    ("08", Fault::Lost),
    ("0A", Fault::Unsupported),
    ("21", Fault::Syntax),
    ("22", Fault::Value),
    ("23", Fault::Constraint),
    ("28", Fault::Login),
    ("3D", Fault::Unreachable),
    ("40", Fault::Locked),
    ("42", Fault::Syntax),
    ("53", Fault::Full),
    ("HYT", Fault::Timeout),
    ("S1T", Fault::Timeout),
    ("07", Fault::Syntax),
];

pub(super) fn fault(state: &str) -> Fault {
    let exact = STATES.iter().find(|(known, _)| *known == state);
    let class = || CLASSES.iter().find(|(class, _)| state.starts_with(class));
    exact
        .or_else(class)
        .map_or(Fault::Other, |(_, fault)| *fault)
}
