//! What can be wrong with a raw file.

use std::{fmt, path::PathBuf};

use arrow::error::ArrowError;
use dtsx::{DataType, SsisCode};
use fletching_connections::OpenError;

use crate::flow::FlowError;

/// The messages do not hold [`code`](RawFileError::code): who reports them adds it.
#[derive(Debug, thiserror::Error)]
pub enum RawFileError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "there is no raw file `{}`; run the data flow that writes it first, name another file in FileName, or map its folder with `--path-map`", .0.display()
    )]
    Missing(PathBuf),
    #[error("`{}` exists and WriteOption is `create once`; remove it or choose another option", .0.display())]
    Exists(PathBuf),
    #[error("`{}` does not exist and WriteOption is `truncate and append`; create it first", .0.display())]
    NothingToTruncate(PathBuf),
    #[error(
        "`{}` is not a raw file of Fletching; raw files written by SSIS itself have an undocumented layout and cannot be read: run the package that writes it under Fletching", .0.display()
    )]
    NotOurs(PathBuf),
    #[error("`{}` has layout version `{found}`, this program reads version 1; write it again with this program", .path.display())]
    Version { path: PathBuf, found: String },
    #[error("`{}` is damaged: {reason}; write it again", .path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "column `{column}` is {data_type}, and a raw file takes no long text or image; drop the column or convert it"
    )]
    LongType { column: String, data_type: DataType },
    #[error("column `{0}` does not say its SSIS type")]
    NoType(String),
    #[error(
        "`{}` cannot be appended to: {difference}; choose the WriteOption `create always`, or send it the same columns", .path.display()
    )]
    OtherColumns {
        path: PathBuf,
        difference: ColumnDifference,
    },
    #[error(
        "`{}` has no column `{column}`, which output column `{output}` reads; it has: {}; write it again with that column, or refresh the source's columns", .path.display(), .found.join(", ")
    )]
    NoColumn {
        path: PathBuf,
        column: String,
        output: String,
        found: Vec<String>,
    },
    #[error(
        "column `{column}` of `{}` is {found}, output column `{output}` wants {wanted}; write the file again with that type, or refresh the source's columns", .path.display()
    )]
    OtherType {
        path: PathBuf,
        column: String,
        output: String,
        found: DataType,
        wanted: DataType,
    },
    #[error("`{}` could not be written: {error}", .path.display())]
    Write { path: PathBuf, error: ArrowError },
    #[error("`{}` could not be read: {error}", .path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
}

/// The first difference between the columns of a file and those to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnDifference {
    Count {
        file: usize,
        input: usize,
    },
    Name {
        position: usize,
        file: String,
        input: String,
    },
    Type {
        column: String,
        file: DataType,
        input: DataType,
    },
}

impl fmt::Display for ColumnDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { file, input } => write!(f, "it has {file} columns, the input {input}"),
            Self::Name {
                position,
                file,
                input,
            } => {
                write!(
                    f,
                    "its column {position} is `{file}`, the input's is `{input}`"
                )
            }
            Self::Type {
                column,
                file,
                input,
            } => {
                write!(f, "its column `{column}` is {file}, the input's is {input}")
            }
        }
    }
}

impl RawFileError {
    /// As the error that stops the data flow of the component at `path`.
    pub(crate) fn at(&self, path: &str) -> FlowError {
        FlowError::new(path, Some(self.code()), self.to_string())
    }

    /// The code SSIS reports for it.
    pub fn code(&self) -> SsisCode {
        SsisCode(match self {
            Self::Open(error) => return error.code(),
            Self::Missing(_) => 0xC020_2074, // DTS_E_RAWFILECANTOPENREAD
            Self::Exists(_) => 0xC020_205F,  // DTS_E_RAWEXISTSCREATEONCE
            Self::NothingToTruncate(_) => 0xC020_205B, // DTS_E_RAWFILECANTOPEN
            Self::NotOurs(_) | Self::Damaged { .. } => 0xC020_205E, // DTS_E_RAWBADHEADER
            Self::Version { .. } => 0xC020_2061, // DTS_E_RAWBADVERSION
            Self::LongType { .. } => 0xC020_206A, // DTS_E_RAWNOLONGTYPES
            Self::NoType(_) => 0xC020_206B,  // DTS_E_RAWUNEXPECTEDTYPE
            Self::OtherColumns { difference, .. } => match difference {
                ColumnDifference::Count { .. } => 0xC020_2065, // DTS_E_RAWMETADATACOUNTMISMATCH
                ColumnDifference::Name { .. } => 0xC020_2064,  // DTS_E_RAWMETADATAMISMATCH
                ColumnDifference::Type { file, input, .. } => type_code(file, input),
            },
            Self::NoColumn { .. } => 0xC020_2064, // DTS_E_RAWMETADATAMISMATCH
            Self::OtherType { found, wanted, .. } => type_code(found, wanted),
            Self::Write { .. } => 0xC020_205D, // DTS_E_RAWCANTWRITE
            Self::Read { .. } => 0xC020_2068,  // DTS_E_RAWCANTREAD
        })
    }
}

/// Type, size, code page, precision or scale: SSIS has a code for each.
fn type_code(file: &DataType, input: &DataType) -> u32 {
    use DataType::{Bytes, Numeric, Str};
    if file.name() != input.name() {
        return 0xC020_8315; // DTS_E_RAWMETADATAMISMATCHTYPE
    }
    match (file, input) {
        (Str { length: file, .. }, Str { length: input, .. }) if file == input => 0xC020_8317, // ..CODEPAGE
        (Str { .. } | DataType::WStr { .. } | Bytes { .. }, _) => 0xC020_8316, // ..SIZE
        (
            Numeric {
                precision: file, ..
            },
            Numeric {
                precision: input, ..
            },
        ) if file != input => 0xC020_8318, // ..PRECISION
        _ => 0xC020_8319,                                                      // ..SCALE
    }
}
