//! Finds and loads drivers.

use std::path::Path;

use adbc_core::{LOAD_FLAG_DEFAULT, error::Error, options::AdbcVersion};
use adbc_driver_manager::ManagedDriver;

use crate::database::{DatabaseError, Fault};

/// A driver that is known by name.
struct Known {
    /// What its name contains.
    name: &'static str,
    /// Its library, less `lib` and `.so`.
    library: &'static str,
    entry_point: Option<&'static [u8]>,
    install: &'static str,
}

const KNOWN: [Known; 5] = [
    Known {
        name: "duckdb",
        library: "duckdb",
        entry_point: Some(b"duckdb_adbc_init"),
        install: "DuckDB's C library (libduckdb.so: duckdb.org, or npm's @duckdb/node-bindings-linux-x64)",
    },
    Known {
        name: "postgresql",
        library: "adbc_driver_postgresql",
        entry_point: None,
        install: "`pip install adbc-driver-postgresql`, whose folder has libadbc_driver_postgresql.so",
    },
    Known {
        name: "sqlite",
        library: "adbc_driver_sqlite",
        entry_point: None,
        install: "`pip install adbc-driver-sqlite`, whose folder has libadbc_driver_sqlite.so",
    },
    Known {
        name: "snowflake",
        library: "adbc_driver_snowflake",
        entry_point: None,
        install: "`pip install adbc-driver-snowflake`, whose folder has libadbc_driver_snowflake.so",
    },
    Known {
        name: "flightsql",
        library: "adbc_driver_flightsql",
        entry_point: None,
        install: "`pip install adbc-driver-flightsql`, whose folder has libadbc_driver_flightsql.so",
    },
];

fn known(driver: &str) -> Option<&'static Known> {
    let file = Path::new(driver).file_name();
    let name = file.map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    KNOWN.iter().find(|known| name.contains(known.name))
}

/// By what a driver is called; the dialect follows from it.
pub(super) fn family(driver: &str) -> Option<&'static str> {
    known(driver).map(|known| known.name)
}

/// # Errors
/// Says where it was looked for and what to install.
pub(super) fn load(database: &str, driver: &str) -> Result<ManagedDriver, DatabaseError> {
    let known = known(driver);
    let entry_point = known.and_then(|known| known.entry_point);
    let version = AdbcVersion::V110;
    let mut tried = Vec::new();
    let is_file = driver.contains('/') || driver.ends_with(".so") || driver.ends_with(".dylib");
    let attempts: Vec<(String, Result<ManagedDriver, Error>)> = if is_file {
        let loaded = ManagedDriver::load_dynamic_from_filename(driver, entry_point, version);
        vec![(format!("the file {driver}"), loaded)]
    } else {
        let library = known.map_or(driver, |known| known.library);
        let by_manager =
            ManagedDriver::load_from_name(driver, entry_point, version, LOAD_FLAG_DEFAULT, None);
        let place = "the driver manager's folders (ADBC_DRIVER_PATH, ~/.config/adbc/drivers, /etc/adbc/drivers)";
        let mut attempts = vec![(format!("{driver} in {place}"), by_manager)];
        if attempts.iter().all(|(_, loaded)| loaded.is_err()) {
            let by_loader = ManagedDriver::load_dynamic_from_name(library, entry_point, version);
            let place = "the loader's folders (LD_LIBRARY_PATH, /etc/ld.so.conf)";
            attempts.push((format!("lib{library}.so in {place}"), by_loader));
        }
        attempts
    };
    for (place, loaded) in attempts {
        match loaded {
            Ok(driver) => return Ok(driver),
            Err(error) => tried.push(format!("{place}: {}", error.message.trim())),
        }
    }
    let install = known.map_or(
        "give the driver's file, or install it where one of these looks",
        |known| known.install,
    );
    let message = format!(
        "there is no ADBC driver `{driver}`; looked for {}; install {install}",
        tried.join("; ")
    );
    Err(DatabaseError::new(database, Fault::Unreachable, message))
}
