//! The types of columns in a data flow (`DT_...`), as packages write them.

use std::fmt;

/// The type of a pipeline column. Lengths are in characters for `WStr`, in bytes for `Str` and `Bytes`
/// (spec `ssis-matrix.md` section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Signed 8-bit integer.
    I1,
    /// Signed 16-bit integer.
    I2,
    /// Signed 32-bit integer.
    I4,
    /// Signed 64-bit integer.
    I8,
    /// Unsigned 8-bit integer.
    UI1,
    /// Unsigned 16-bit integer.
    UI2,
    /// Unsigned 32-bit integer.
    UI4,
    /// Unsigned 64-bit integer.
    UI8,
    /// Single-precision float.
    R4,
    /// Double-precision float.
    R8,
    /// 64-bit integer scaled by 10^4.
    Cy,
    /// 96-bit integer and a scale of 0 to 28; precision 29.
    Decimal {
        /// Digits after the point.
        scale: u8,
    },
    /// 128-bit integer, precision 1 to 38.
    Numeric {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// Boolean; TRUE is -1 as a number.
    Bool,
    /// Text in a code page, `length` bytes at most.
    Str {
        /// Most characters or bytes.
        length: u32,
        /// Windows code page number.
        code_page: u32,
    },
    /// Unicode text, `length` UTF-16 code units at most.
    WStr {
        /// Most characters or bytes.
        length: u32,
    },
    /// Long text in a code page.
    Text {
        /// Windows code page number.
        code_page: u32,
    },
    /// Long Unicode text.
    NText,
    /// Long binary.
    Image,
    /// Binary, `length` bytes at most.
    Bytes {
        /// Most characters or bytes.
        length: u32,
    },
    /// GUID.
    Guid,
    /// OLE automation date: a double counted from 1899-12-30.
    Date,
    /// Date.
    DbDate,
    /// Time of day in seconds.
    DbTime,
    /// Time of day with fractions of a second.
    DbTime2 {
        /// Digits after the point.
        scale: u8,
    },
    /// Date and time, milliseconds.
    DbTimeStamp,
    /// Date and time with fractions of a second.
    DbTimeStamp2 {
        /// Digits after the point.
        scale: u8,
    },
    /// Date and time with fractions and an offset from UTC.
    DbTimeStampOffset {
        /// Digits after the point.
        scale: u8,
    },
    /// Date and time in 100 ns steps since 1601.
    FileTime,
    /// The type of NULL.
    Null,
    /// No type.
    Empty,
}

/// The numbers that belong to a type; 0 where it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Most characters or bytes.
    pub length: u32,
    /// Digits in all.
    pub precision: u8,
    /// Digits after the point.
    pub scale: u8,
    /// Windows code page number.
    pub code_page: u32,
}

impl DataType {
    /// From the attribute values of a pipeline column: the XML name (`wstr`, `dbTimeStamp`, any case; spec
    /// `dtsx-format.md` section 4 rule 4) and the metadata beside it. `None` if the name is not known.
    pub fn from_xml(
        name: &str,
        length: u32,
        precision: u32,
        scale: u32,
        code_page: u32,
    ) -> Option<Self> {
        let precision = u8::try_from(precision).unwrap_or(38).min(38);
        let scale = u8::try_from(scale).unwrap_or(38).min(38);
        Some(match name.to_ascii_lowercase().as_str() {
            "i1" => Self::I1,
            "i2" => Self::I2,
            "i4" => Self::I4,
            "i8" => Self::I8,
            "ui1" => Self::UI1,
            "ui2" => Self::UI2,
            "ui4" => Self::UI4,
            "ui8" => Self::UI8,
            "r4" => Self::R4,
            "r8" => Self::R8,
            "cy" => Self::Cy,
            "decimal" => Self::Decimal {
                scale: scale.min(28),
            },
            "numeric" => Self::Numeric {
                precision: if precision == 0 { 18 } else { precision },
                scale,
            },
            "bool" => Self::Bool,
            "str" => Self::Str { length, code_page },
            "wstr" => Self::WStr { length },
            "text" => Self::Text { code_page },
            "ntext" => Self::NText,
            "image" => Self::Image,
            "bytes" => Self::Bytes { length },
            "guid" => Self::Guid,
            "date" => Self::Date,
            "dbdate" => Self::DbDate,
            "dbtime" => Self::DbTime,
            "dbtime2" => Self::DbTime2 {
                scale: scale.min(7),
            },
            "dbtimestamp" => Self::DbTimeStamp,
            "dbtimestamp2" => Self::DbTimeStamp2 {
                scale: scale.min(7),
            },
            "dbtimestampoffset" => Self::DbTimeStampOffset {
                scale: scale.min(7),
            },
            "filetime" | "datetime" => Self::FileTime,
            "null" => Self::Null,
            "empty" => Self::Empty,
            _ => return None,
        })
    }

    /// From the numeric code that flat file columns carry (`DTS:DataType`, spec `ssis-matrix.md` section 4).
    pub fn from_code(
        code: u32,
        length: u32,
        precision: u32,
        scale: u32,
        code_page: u32,
    ) -> Option<Self> {
        let name = match code {
            0 => "empty",
            1 => "null",
            2 => "i2",
            3 => "i4",
            4 => "r4",
            5 => "r8",
            6 => "cy",
            7 => "date",
            11 => "bool",
            14 => "decimal",
            16 => "i1",
            17 => "ui1",
            18 => "ui2",
            19 => "ui4",
            20 => "i8",
            21 => "ui8",
            64 => "filetime",
            72 => "guid",
            128 => "bytes",
            129 => "str",
            130 => "wstr",
            131 => "numeric",
            133 => "dbdate",
            134 => "dbtime",
            135 => "dbtimestamp",
            145 => "dbtime2",
            146 => "dbtimestampoffset",
            301 => "text",
            302 => "image",
            303 => "ntext",
            304 => "dbtimestamp2",
            _ => return None,
        };
        Self::from_xml(name, length, precision, scale, code_page)
    }

    /// The name that a column of a data flow has for it: `wstr`, `dbTimeStamp2`.
    pub fn xml_name(&self) -> &'static str {
        match self {
            Self::DbDate => "dbDate",
            Self::DbTime => "dbTime",
            Self::DbTime2 { .. } => "dbTime2",
            Self::DbTimeStamp => "dbTimeStamp",
            Self::DbTimeStamp2 { .. } => "dbTimeStamp2",
            Self::DbTimeStampOffset { .. } => "dbTimeStampoffset",
            Self::FileTime => "fileTime",
            Self::NText => "nText",
            Self::I1 => "i1",
            Self::I2 => "i2",
            Self::I4 => "i4",
            Self::I8 => "i8",
            Self::UI1 => "ui1",
            Self::UI2 => "ui2",
            Self::UI4 => "ui4",
            Self::UI8 => "ui8",
            Self::R4 => "r4",
            Self::R8 => "r8",
            Self::Cy => "cy",
            Self::Decimal { .. } => "decimal",
            Self::Numeric { .. } => "numeric",
            Self::Bool => "bool",
            Self::Str { .. } => "str",
            Self::WStr { .. } => "wstr",
            Self::Text { .. } => "text",
            Self::Image => "image",
            Self::Bytes { .. } => "bytes",
            Self::Guid => "guid",
            Self::Date => "date",
            Self::Null => "null",
            Self::Empty => "empty",
        }
    }

    /// The numeric code that flat file columns carry; [`from_code`](Self::from_code) gives it back.
    pub fn code(&self) -> u32 {
        match self {
            Self::Empty => 0,
            Self::Null => 1,
            Self::I2 => 2,
            Self::I4 => 3,
            Self::R4 => 4,
            Self::R8 => 5,
            Self::Cy => 6,
            Self::Date => 7,
            Self::Bool => 11,
            Self::Decimal { .. } => 14,
            Self::I1 => 16,
            Self::UI1 => 17,
            Self::UI2 => 18,
            Self::UI4 => 19,
            Self::I8 => 20,
            Self::UI8 => 21,
            Self::FileTime => 64,
            Self::Guid => 72,
            Self::Bytes { .. } => 128,
            Self::Str { .. } => 129,
            Self::WStr { .. } => 130,
            Self::Numeric { .. } => 131,
            Self::DbDate => 133,
            Self::DbTime => 134,
            Self::DbTimeStamp => 135,
            Self::DbTime2 { .. } => 145,
            Self::DbTimeStampOffset { .. } => 146,
            Self::Text { .. } => 301,
            Self::Image => 302,
            Self::NText => 303,
            Self::DbTimeStamp2 { .. } => 304,
        }
    }

    /// Length, precision, scale and code page, as far as the type has them.
    pub fn shape(&self) -> Shape {
        let none = Shape::default();
        match *self {
            Self::Str { length, code_page } => Shape {
                length,
                code_page,
                ..none
            },
            Self::WStr { length } | Self::Bytes { length } => Shape { length, ..none },
            Self::Text { code_page } => Shape { code_page, ..none },
            Self::Numeric { precision, scale } => Shape {
                precision,
                scale,
                ..none
            },
            Self::Decimal { scale }
            | Self::DbTime2 { scale }
            | Self::DbTimeStamp2 { scale }
            | Self::DbTimeStampOffset { scale } => Shape { scale, ..none },
            _ => none,
        }
    }

    /// The name SSIS shows, without length or scale: `DT_WSTR`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::I1 => "DT_I1",
            Self::I2 => "DT_I2",
            Self::I4 => "DT_I4",
            Self::I8 => "DT_I8",
            Self::UI1 => "DT_UI1",
            Self::UI2 => "DT_UI2",
            Self::UI4 => "DT_UI4",
            Self::UI8 => "DT_UI8",
            Self::R4 => "DT_R4",
            Self::R8 => "DT_R8",
            Self::Cy => "DT_CY",
            Self::Decimal { .. } => "DT_DECIMAL",
            Self::Numeric { .. } => "DT_NUMERIC",
            Self::Bool => "DT_BOOL",
            Self::Str { .. } => "DT_STR",
            Self::WStr { .. } => "DT_WSTR",
            Self::Text { .. } => "DT_TEXT",
            Self::NText => "DT_NTEXT",
            Self::Image => "DT_IMAGE",
            Self::Bytes { .. } => "DT_BYTES",
            Self::Guid => "DT_GUID",
            Self::Date => "DT_DATE",
            Self::DbDate => "DT_DBDATE",
            Self::DbTime => "DT_DBTIME",
            Self::DbTime2 { .. } => "DT_DBTIME2",
            Self::DbTimeStamp => "DT_DBTIMESTAMP",
            Self::DbTimeStamp2 { .. } => "DT_DBTIMESTAMP2",
            Self::DbTimeStampOffset { .. } => "DT_DBTIMESTAMPOFFSET",
            Self::FileTime => "DT_FILETIME",
            Self::Null => "DT_NULL",
            Self::Empty => "DT_EMPTY",
        }
    }
}

/// As SSIS writes a cast: `DT_STR,20,1252`, `DT_NUMERIC,18,2`, `DT_I4`.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Str { length, code_page } => write!(f, ",{length},{code_page}"),
            Self::WStr { length } | Self::Bytes { length } => write!(f, ",{length}"),
            Self::Text { code_page } => write!(f, ",{code_page}"),
            Self::Decimal { scale }
            | Self::DbTime2 { scale }
            | Self::DbTimeStamp2 { scale }
            | Self::DbTimeStampOffset { scale } => write!(f, ",{scale}"),
            Self::Numeric { precision, scale } => write!(f, ",{precision},{scale}"),
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for DataType {
    type Err = String;

    /// Reads what [`Display`](fmt::Display) writes: `DT_WSTR,20`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let bare = name
            .strip_prefix("DT_")
            .or_else(|| name.strip_prefix("dt_"))
            .unwrap_or(name);
        let numbers: Vec<u32> = parts
            .map(|part| {
                part.parse()
                    .map_err(|_| format!("`{part}` is not a number in `{text}`"))
            })
            .collect::<Result<_, _>>()?;
        let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
        let lower = bare.to_ascii_lowercase();
        let found = match lower.as_str() {
            "str" => Self::from_xml(&lower, at(0), 0, 0, at(1)),
            "text" => Self::from_xml(&lower, 0, 0, 0, at(0)),
            "wstr" | "bytes" => Self::from_xml(&lower, at(0), 0, 0, 0),
            "numeric" => Self::from_xml(&lower, 0, at(0), at(1), 0),
            _ => Self::from_xml(&lower, 0, 0, at(0), 0),
        };
        found.ok_or_else(|| format!("`{text}` is not an SSIS data type"))
    }
}
