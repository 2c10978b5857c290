//! Microsoft's tutorial of SSIS as three people saved it, with its own files, against SQLite; and what SSIS wrote of it.
//!
//! ```text
//!  Currency_*.txt ─▶ lookup of the currency ─▶ lookup of the day ─▶ fact table
//!                      └─ lessons 4 to 6: no such currency ─▶ a script that describes the error ─▶ ErrorOutput.txt
//! ```
//!
//! The packages lie outside the repository, in `packages` beside it; a trial whose package is absent is told as left out. A
//! script is not run: it must be refused by name, and then a component of the trial's own stands in its place and does what
//! the script does. Rows are read from the files and from SQLite, past the engine.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{AsArray, RecordBatch, StringViewBuilder},
    datatypes::Int32Type,
};
use fletching::{
    Application, Execution, LoadOptions, PathMap, Progress,
    custom::{
        Applied, ClassNames, Component, ComponentClass, ComponentKind, ComponentSpec, CustomError,
        Extensions, Synchronous,
    },
    runtime,
};
use libtest_mimic::{Failed, Trial};
use rusqlite::Connection;
use tempfile::TempDir;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const BARRY: &str = "LearningTechStuff__SSIS-Tutorial";
const ANDERSON: &str = "LearningTechStuff__SSIS-Tutorial/SSIS Tutorial/SSIS Tutorial";
const SIWAR: &str = "Siwarattia1234__SSIS-Microsoft-Tutorial-my-work-";
/// What lookups give a row without a match, and what SSIS says of it: with the end of a line.
const NO_MATCH: i32 = -1_071_607_778;
const NO_MATCH_TEXT: &str = "Row yielded no match during lookup.\r\n";
/// Where the packages look for files.
const FOLDERS: [&str; 5] = [
    r"C:\Program Files\Microsoft SQL Server\110\Samples\Integration Services\Tutorial\Creating a Simple ETL Package\Sample Data",
    r"C:\Development\SQL Projects\1.SSIS Tutorial\Logs",
    r"C:\New Sample Data",
    r"D:\New Sample Data",
    r"D:\andersonkmi\development\ssis-tutorial",
];
/// Where a package looks for its configuration: it is not shipped with it.
const NO_CONFIGURATION: &str = r"C:\Development\SQL Projects\1.SSIS Tutorial";
const TABLES: &str = "
CREATE TABLE DimCurrency (CurrencyKey INTEGER NOT NULL, CurrencyAlternateKey NCHAR(3) NOT NULL, CurrencyName NVARCHAR(50) NOT NULL);
INSERT INTO DimCurrency SELECT key + 1, value, value FROM json_each('[\"ARS\",\"AUD\",\"BRL\",\"CAD\",\"CNY\",\"DEM\",\"EUR\",\"FRF\",
\"GBP\",\"JPY\",\"MXN\",\"SAR\",\"USD\",\"VEB\"]');
CREATE TABLE DimDate (DateKey INTEGER NOT NULL, FullDateAlternateKey DATE NOT NULL PRIMARY KEY);
INSERT INTO DimDate WITH RECURSIVE days(day) AS (SELECT '2005-01-01' UNION ALL SELECT date(day, '+1 day') FROM days WHERE day < '2009-01-01')
SELECT CAST(strftime('%Y%m%d', day) AS INTEGER), day FROM days;
CREATE TABLE FactCurrency (CurrencyKey INT, DateKey INT, AverageRate REAL, EndOfDayRate REAL, CurrencyID NVARCHAR(3), CurrencyDate DATE);
CREATE TABLE NewFactCurrencyRate (CurrencyKey INT, DateKey INT, AverageRate REAL, EndOfDayRate REAL, CurrencyID NVARCHAR(3),
CurrencyDate DATE, CurrencyAlternateKey NVARCHAR(3), FullDateAlternateKey DATE);";
/// The facts, by the keys that the package gave them.
const FACTS: &str = "
SELECT coalesce(f.CurrencyAlternateKey, c.CurrencyAlternateKey), coalesce(f.FullDateAlternateKey, d.FullDateAlternateKey),
  f.AverageRate, f.EndOfDayRate
FROM (SELECT *, NULL AS CurrencyAlternateKey, NULL AS FullDateAlternateKey FROM FactCurrency UNION ALL SELECT * FROM NewFactCurrencyRate) f
LEFT JOIN DimCurrency c ON c.CurrencyKey = f.CurrencyKey LEFT JOIN DimDate d ON d.DateKey = f.DateKey ORDER BY 1, 2";

/// A package of the tutorial.
#[derive(Debug, Clone, Copy)]
struct Lesson {
    folder: &'static str,
    package: &'static str,
    /// The script that describes errors.
    script: Option<&'static str>,
}

const fn lesson(folder: &'static str, package: &'static str) -> Lesson {
    Lesson {
        folder,
        package,
        script: None,
    }
}

const fn described(folder: &'static str, package: &'static str, script: &'static str) -> Lesson {
    Lesson {
        folder,
        package,
        script: Some(script),
    }
}

const LESSONS: [Lesson; 12] = [
    lesson(BARRY, "Lesson 1.dtsx"),
    lesson(BARRY, "Lesson 2.dtsx"),
    lesson(BARRY, "Lesson 3.dtsx"),
    described(BARRY, "Lesson 4.dtsx", "Get Error Description"),
    described(BARRY, "Lesson 5.dtsx", "Get Error Description"),
    described(BARRY, "Lesson 6.dtsx", "Get Error Description"),
    lesson(ANDERSON, "Lesson1.dtsx"),
    lesson(ANDERSON, "Lesson2.dtsx"),
    lesson(ANDERSON, "Lesson3.dtsx"),
    described(ANDERSON, "Lesson4.dtsx", "Get error code"),
    described(ANDERSON, "Lesson5.dtsx", "Get error code"),
    lesson(SIWAR, "Lesson 1.dtsx"),
];

pub fn trials() -> Vec<Trial> {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packages");
    let trial = |lesson: Lesson| {
        let folder = packages.join(lesson.folder);
        let is_absent = !folder.join(lesson.package).is_file();
        let title = format!("tutorial: {}/{}", lesson.folder, lesson.package);
        let check = move || {
            lesson
                .check(&folder)
                .map_err(|error| Failed::from(error.to_string()))
        };
        Trial::test(title, check).with_ignored_flag(is_absent)
    };
    LESSONS.into_iter().map(trial).collect()
}

impl Lesson {
    fn check(self, folder: &Path) -> Outcome {
        let package = folder.join(self.package);
        let shipped = match self.folder {
            SIWAR => folder.join("Sample Data"),
            ANDERSON => folder.join("../.."),
            _ => folder.to_owned(),
        };
        let place = TempDir::new()?;
        self.copy(&shipped, place.path())?;
        if let Some(script) = self.script {
            let refused = self.run(&package, place.path(), Extensions::default());
            let refused = refused
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            let wanted =
                format!("{script} (Microsoft.ScriptComponentHost): scripts are not run: C#");
            if !refused.contains(&wanted) {
                return Err(format!("no `{wanted}` in: {refused}").into());
            }
        }
        let database = place.path().join("dw.sqlite");
        // What SSIS wrote comes of two runs.
        let runs = if self.script.is_some() { 2 } else { 1 };
        for _ in 0..runs {
            let _ = fs::remove_file(&database);
            Connection::open(&database)?.execute_batch(TABLES)?;
            let mut extensions = Extensions::default();
            extensions.add_component(Arc::new(Describe::default()))?;
            self.run(&package, place.path(), extensions)?;
        }
        let (loaded, rejected) = self.expected(place.path())?;
        let found = facts(&database)?;
        if loaded.is_empty() || loaded != found {
            let first = loaded.iter().zip(&found).find(|(one, other)| one != other);
            let counts = (loaded.len(), found.len());
            return Err(
                format!("(in the files, in the table): {counts:?}; first: {first:?}").into(),
            );
        }
        match self.script {
            Some(_) => self.check_errors(&shipped, place.path(), &rejected),
            None => Ok(()),
        }
    }

    /// The files as the lesson has them: the one with errors comes with the fourth.
    fn copy(self, shipped: &Path, place: &Path) -> Outcome {
        for entry in fs::read_dir(shipped)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let is_wanted = name.ends_with(".txt") && name != "ErrorOutput.txt";
            if is_wanted && (self.script.is_some() || name != "Currency_BAD.txt") {
                fs::copy(&path, place.join(name))?;
            }
        }
        if self.folder == ANDERSON {
            let within = "SSIS Tutorial/SSIS Tutorial";
            fs::create_dir_all(place.join(within))?;
            let name = "SSISTutorial.dtsConfig";
            fs::copy(
                shipped.join(within).join(name),
                place.join(within).join(name),
            )?;
        }
        Ok(())
    }

    fn run(self, package: &Path, place: &Path, extensions: Extensions) -> Outcome {
        let options = LoadOptions {
            extensions,
            ..LoadOptions::default()
        };
        let package = Application::load_with(package, &options)?;
        let mut settings = package.settings()?;
        settings.threads = 2;
        for folder in FOLDERS {
            let rule = format!("{folder}={}", place.display());
            settings.path_rules.push(PathMap::parse_rule(&rule)?);
        }
        let elsewhere = format!("{NO_CONFIGURATION}={}", place.join("elsewhere").display());
        settings.path_rules.push(PathMap::parse_rule(&elsewhere)?);
        for manager in package.connections(&settings, false)? {
            let address = match manager.kind.as_str() {
                "OLEDB" => format!("sqlite:{}", place.join("dw.sqlite").display()),
                "FLATFILE" if self.is_first() => {
                    place.join("SampleCurrencyData.txt").display().to_string()
                }
                _ => continue,
            };
            settings.connections.push((manager.name, address));
        }
        let execution = Execution::new(package.prepare(settings)?, Progress::default());
        runtime(2)?.block_on(execution.run())?.succeeded()?;
        Ok(())
    }

    /// Its first lesson reads one file.
    fn is_first(self) -> bool {
        self.package.ends_with("1.dtsx")
    }

    /// Whether the first row of its files is taken for names of columns.
    fn has_names(self) -> bool {
        self.folder == ANDERSON
    }

    /// The rows of the files: those with a known currency, and those without one.
    fn expected(self, place: &Path) -> Outcome<(Vec<Fact>, Vec<Fact>)> {
        let mut files: Vec<PathBuf> = fs::read_dir(place)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        let first = if self.is_first() {
            "Sample"
        } else {
            "Currency_"
        };
        files.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(first) && name.ends_with(".txt")
        });
        files.sort();
        let mut facts = Vec::new();
        for file in files {
            let text = fs::read_to_string(&file)?;
            let lines = text.lines().filter(|line| !line.is_empty());
            for line in lines.skip(usize::from(self.has_names())) {
                facts.push(Fact::of_line(line)?);
            }
        }
        let (mut loaded, rejected): (Vec<Fact>, Vec<Fact>) =
            facts.into_iter().partition(|fact| fact.currency != "BAD");
        loaded.sort();
        Ok((loaded, rejected))
    }

    /// Each rejected row twice, from two runs; where SSIS read the same rows, the very file that it wrote.
    fn check_errors(self, shipped: &Path, place: &Path, rejected: &[Fact]) -> Outcome {
        // SSIS ends rows with CR LF, of which the shipped copy has kept LF.
        let written = fs::read_to_string(place.join("ErrorOutput.txt"))?.replace("\r\n", "\n");
        let rows: Vec<&str> = written
            .split("\n\n")
            .filter(|row| !row.is_empty())
            .collect();
        let days: BTreeSet<&str> = rows
            .iter()
            .filter_map(|row| row.split(',').nth(2))
            .collect();
        let wanted: BTreeSet<&str> = rejected.iter().map(|fact| fact.day.as_str()).collect();
        if rows.len() != 2 * rejected.len() || days != wanted {
            return Err(format!("{} error rows of {} rows", rows.len(), rejected.len()).into());
        }
        if self.has_names() {
            let by_ssis = fs::read_to_string(shipped.join("ErrorOutput.txt"))?;
            return super::compare("ErrorOutput.txt", &by_ssis, &written).map_err(Into::into);
        }
        Ok(())
    }
}

/// A rate of a currency on a day; rates by their bits, as single precision has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    currency: String,
    day: String,
    rates: [u32; 2],
}

impl Fact {
    /// `1.58E-03 TAB VEB TAB 1/1/2005 0:00 TAB 1.58E-03`
    fn of_line(line: &str) -> Outcome<Self> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [average, currency, day, end] = cells[..] else {
            return Err(format!("a row of {} cells: {line}", cells.len()).into());
        };
        let parts: Vec<u32> = day
            .split([' ', '/'])
            .take(3)
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [month, day, year] = parts[..] else {
            return Err(format!("no day: {line}").into());
        };
        let year = if year < 100 { 2000 + year } else { year };
        Ok(Self {
            currency: currency.to_owned(),
            day: format!("{year}-{month:02}-{day:02}"),
            rates: [
                average.parse::<f32>()?.to_bits(),
                end.parse::<f32>()?.to_bits(),
            ],
        })
    }
}

/// What is in the tables.
fn facts(database: &Path) -> Outcome<Vec<Fact>> {
    let database = Connection::open(database)?;
    let mut statement = database.prepare(FACTS)?;
    let rows = statement.query_map([], |row| {
        let rate = |at| row.get::<_, f64>(at).map(|rate| (rate as f32).to_bits());
        Ok(Fact {
            currency: row.get(0)?,
            day: row.get(1)?,
            rates: [rate(2)?, rate(3)?],
        })
    })?;
    let mut facts = rows.collect::<Result<Vec<_>, _>>()?;
    facts.sort();
    Ok(facts)
}

/// In place of the script: `Row.ErrorDescription = ComponentMetaData.GetErrorDescription(Row.ErrorCode)`.
#[derive(Debug)]
struct Describe(ClassNames);

impl Default for Describe {
    fn default() -> Self {
        let names = ClassNames::new("Microsoft.ScriptComponentHost", "Describe");
        Self(names.also("{874F7595-FB5F-40FF-96AF-FBFF8250E3EF}"))
    }
}

impl ComponentClass for Describe {
    fn names(&self) -> &ClassNames {
        &self.0
    }

    fn kind(&self) -> ComponentKind {
        ComponentKind::Transform
    }

    fn read(&self, _: &ComponentSpec) -> Result<Component, Vec<String>> {
        Ok(Component::Synchronous(Box::new(Describing)))
    }
}

#[derive(Debug)]
struct Describing;

impl Synchronous for Describing {
    fn apply(&self, batch: &RecordBatch) -> Result<Applied, CustomError> {
        let mut texts = StringViewBuilder::new();
        for code in batch.column(0).as_primitive::<Int32Type>() {
            match code {
                Some(NO_MATCH) => texts.append_value(NO_MATCH_TEXT),
                other => return Err(CustomError::new(format!("code {other:?} is not described"))),
            }
        }
        let mut applied = Applied::default();
        applied.columns.push(Arc::new(texts.finish()));
        Ok(applied)
    }
}
