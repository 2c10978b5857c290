//! The T-SQL types: as text in a declaration, and as TYPE_INFO on the wire.
//!
//! A SQLite column keeps its T-SQL type as its declared type. Words before it are ours: `real` and `blob` give
//! the affinity we want, `required` and `identity_1_1` what a client asks for (`required identity_1_1 int`).

use crate::wire::{Read, Reader, Short, put_u16, put_u32};

/// SQL_Latin1_General_CP1_CI_AS.
pub(crate) const COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];

/// Length of `(max)`.
pub(crate) const MAX: u16 = u16::MAX;

/// A T-SQL type; lengths in characters or bytes, scales in digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlType {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Decimal(u8, u8),
    Money,
    SmallMoney,
    Date,
    Time(u8),
    DateTime,
    SmallDateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    Guid,
    Char(u16),
    VarChar(u16),
    NChar(u16),
    NVarChar(u16),
    Binary(u16),
    VarBinary(u16),
    Text,
    NText,
    Image,
    Xml,
}

/// A declared type with our words taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) ty: SqlType,
    pub(crate) not_null: bool,
    pub(crate) identity: Option<(i64, i64)>,
}

impl Declared {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut declared = Self {
            ty: SqlType::Int,
            not_null: false,
            identity: None,
        };
        while let Some((word, after)) = rest.split_once(' ') {
            if let Some(numbers) = word.strip_prefix("identity_") {
                let (seed, step) = numbers.split_once('_')?;
                declared.identity = Some((seed.parse().ok()?, step.parse().ok()?));
            } else if word == "required" {
                declared.not_null = true;
            } else if !matches!(word, "real" | "blob") {
                break;
            }
            rest = after.trim();
        }
        declared.ty = SqlType::parse(rest)?;
        Some(declared)
    }

    /// The declared type of the SQLite column.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.not_null {
            text.push_str("required ");
        }
        if let Some((seed, step)) = self.identity {
            text.push_str(&format!("identity_{seed}_{step} "));
        }
        match self.ty {
            SqlType::Decimal(precision, _) if precision <= 15 => text.push_str("real "),
            SqlType::SmallMoney => text.push_str("real "),
            SqlType::Decimal(..) | SqlType::Money | SqlType::Xml => text.push_str("blob "),
            _ => {}
        }
        text + &self.ty.to_string().replace("(max)", "(-1)")
    }
}

impl SqlType {
    /// A type as it is declared for a column or a variable.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text
            .trim()
            .to_ascii_lowercase()
            .replace(['[', ']', '"'], "");
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.trim_end().strip_suffix(')')?),
            None => (text.as_str(), ""),
        };
        let name = name.strip_prefix("sys.").unwrap_or(name);
        let mut numbers = arguments
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let first = numbers.next();
        let second = numbers.next();
        let length = |or: u16| match first {
            Some("max" | "-1") => Some(MAX),
            Some(number) => number.parse().ok(),
            None => Some(or),
        };
        let digits =
            |part: Option<&str>, or: u8| part.map_or(Some(or), |part| part.parse::<u8>().ok());
        Some(match name {
            "bit" => Self::Bit,
            "tinyint" => Self::TinyInt,
            "smallint" => Self::SmallInt,
            "int" | "integer" => Self::Int,
            "bigint" => Self::BigInt,
            "real" => Self::Real,
            "float" if digits(first, 53)? <= 24 => Self::Real,
            "float" | "double precision" => Self::Float,
            "decimal" | "dec" | "numeric" => Self::Decimal(digits(first, 18)?, digits(second, 0)?),
            "money" => Self::Money,
            "smallmoney" => Self::SmallMoney,
            "date" => Self::Date,
            "time" => Self::Time(digits(first, 7)?),
            "datetime" => Self::DateTime,
            "smalldatetime" => Self::SmallDateTime,
            "datetime2" => Self::DateTime2(digits(first, 7)?),
            "datetimeoffset" => Self::DateTimeOffset(digits(first, 7)?),
            "uniqueidentifier" => Self::Guid,
            "char" | "character" => Self::Char(length(1)?),
            "varchar" | "char varying" | "character varying" => Self::VarChar(length(1)?),
            "nchar" | "national char" => Self::NChar(length(1)?),
            "nvarchar" | "national char varying" => Self::NVarChar(length(1)?),
            "sysname" => Self::NVarChar(128),
            "binary" => Self::Binary(length(1)?),
            "varbinary" => Self::VarBinary(length(1)?),
            "rowversion" | "timestamp" => Self::Binary(8),
            "text" => Self::Text,
            "ntext" => Self::NText,
            "image" => Self::Image,
            "xml" => Self::Xml,
            // Sent as their bytes.
            "geography" | "geometry" | "hierarchyid" => Self::VarBinary(MAX),
            _ => return None,
        })
    }

    /// As a cast reads it, where a text without a length has thirty characters.
    pub(crate) fn parse_cast(text: &str) -> Option<Self> {
        let bare = !text.contains('(') && !text.eq_ignore_ascii_case("sysname");
        Some(match Self::parse(text)? {
            Self::Char(_) if bare => Self::Char(30),
            Self::VarChar(_) if bare => Self::VarChar(30),
            Self::NChar(_) if bare => Self::NChar(30),
            Self::NVarChar(_) if bare => Self::NVarChar(30),
            Self::Binary(_) if bare => Self::Binary(30),
            Self::VarBinary(_) if bare => Self::VarBinary(30),
            other => other,
        })
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(
            self,
            Self::Char(_)
                | Self::VarChar(_)
                | Self::NChar(_)
                | Self::NVarChar(_)
                | Self::Text
                | Self::NText
                | Self::Xml
        )
    }

    pub(crate) fn is_moment(self) -> bool {
        matches!(
            self,
            Self::Date
                | Self::Time(_)
                | Self::DateTime
                | Self::SmallDateTime
                | Self::DateTime2(_)
                | Self::DateTimeOffset(_)
        )
    }

    /// Whether values are sent in parts after a length of eight bytes.
    pub(crate) fn is_parts(self) -> bool {
        matches!(
            self,
            Self::VarChar(MAX) | Self::NVarChar(MAX) | Self::VarBinary(MAX) | Self::Xml
        )
    }

    /// The name without lengths, with the digits a catalog shows.
    pub(crate) fn name(self) -> String {
        let text = self.to_string();
        text.split('(').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn put_type_info(self, out: &mut Vec<u8>) {
        match self {
            Self::Bit => out.extend_from_slice(&[0x68, 1]),
            Self::TinyInt => out.extend_from_slice(&[0x26, 1]),
            Self::SmallInt => out.extend_from_slice(&[0x26, 2]),
            Self::Int => out.extend_from_slice(&[0x26, 4]),
            Self::BigInt => out.extend_from_slice(&[0x26, 8]),
            Self::Real => out.extend_from_slice(&[0x6D, 4]),
            Self::Float => out.extend_from_slice(&[0x6D, 8]),
            Self::Decimal(precision, scale) => {
                out.extend_from_slice(&[0x6A, decimal_size(precision), precision, scale]);
            }
            Self::Money => out.extend_from_slice(&[0x6E, 8]),
            Self::SmallMoney => out.extend_from_slice(&[0x6E, 4]),
            Self::Date => out.push(0x28),
            Self::Time(scale) => out.extend_from_slice(&[0x29, scale]),
            Self::DateTime => out.extend_from_slice(&[0x6F, 8]),
            Self::SmallDateTime => out.extend_from_slice(&[0x6F, 4]),
            Self::DateTime2(scale) => out.extend_from_slice(&[0x2A, scale]),
            Self::DateTimeOffset(scale) => out.extend_from_slice(&[0x2B, scale]),
            Self::Guid => out.extend_from_slice(&[0x24, 16]),
            Self::Char(length) => put_sized(out, 0xAF, length, true),
            Self::VarChar(length) => put_sized(out, 0xA7, length, true),
            Self::NChar(length) => put_sized(out, 0xEF, utf16_size(length), true),
            Self::NVarChar(length) => put_sized(out, 0xE7, utf16_size(length), true),
            Self::Binary(length) => put_sized(out, 0xAD, length, false),
            Self::VarBinary(length) => put_sized(out, 0xA5, length, false),
            Self::Text => put_long(out, 0x23, 0x7FFF_FFFF, true),
            Self::NText => put_long(out, 0x63, 0x7FFF_FFFE, true),
            Self::Image => put_long(out, 0x22, 0x7FFF_FFFF, false),
            Self::Xml => out.extend_from_slice(&[0xF1, 0]),
        }
    }
}

fn put_sized(out: &mut Vec<u8>, code: u8, bytes: u16, collation: bool) {
    out.push(code);
    put_u16(out, bytes);
    if collation {
        out.extend_from_slice(&COLLATION);
    }
}

fn put_long(out: &mut Vec<u8>, code: u8, bytes: u32, collation: bool) {
    out.push(code);
    put_u32(out, bytes);
    if collation {
        out.extend_from_slice(&COLLATION);
    }
}

fn utf16_size(length: u16) -> u16 {
    if length == MAX {
        MAX
    } else {
        length.saturating_mul(2)
    }
}

pub(crate) fn decimal_size(precision: u8) -> u8 {
    match precision {
        0..=9 => 5,
        10..=19 => 9,
        20..=28 => 13,
        _ => 17,
    }
}

/// How a value of a type a client sent is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// So many bytes, never null.
    Fixed(u8),
    /// A length of one byte, zero for null.
    Byte,
    /// A length of two bytes, all ones for null.
    Word,
    /// A total of eight bytes, then parts.
    Parts,
    /// A pointer, a time stamp and a length of four bytes.
    Pointer,
    /// A length of four bytes, all ones for null.
    Long,
}

/// A type as a client sends it for a parameter or a bulk column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireType {
    pub(crate) ty: SqlType,
    pub(crate) layout: Layout,
    pub(crate) utf8: bool,
}

impl WireType {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let code = reader.u8()?;
        let plain = |ty, layout| {
            Ok(Self {
                ty,
                layout,
                utf8: false,
            })
        };
        match code {
            0x32 => plain(SqlType::Bit, Layout::Fixed(1)),
            0x30 => plain(SqlType::TinyInt, Layout::Fixed(1)),
            0x34 => plain(SqlType::SmallInt, Layout::Fixed(2)),
            0x38 => plain(SqlType::Int, Layout::Fixed(4)),
            0x7F => plain(SqlType::BigInt, Layout::Fixed(8)),
            0x3B => plain(SqlType::Real, Layout::Fixed(4)),
            0x3E => plain(SqlType::Float, Layout::Fixed(8)),
            0x3C => plain(SqlType::Money, Layout::Fixed(8)),
            0x7A => plain(SqlType::SmallMoney, Layout::Fixed(4)),
            0x3D => plain(SqlType::DateTime, Layout::Fixed(8)),
            0x3A => plain(SqlType::SmallDateTime, Layout::Fixed(4)),
            0x28 => plain(SqlType::Date, Layout::Byte),
            0x29 => plain(SqlType::Time(reader.u8()?), Layout::Byte),
            0x2A => plain(SqlType::DateTime2(reader.u8()?), Layout::Byte),
            0x2B => plain(SqlType::DateTimeOffset(reader.u8()?), Layout::Byte),
            0x6A | 0x6C | 0x37 | 0x3F => {
                reader.u8()?;
                plain(SqlType::Decimal(reader.u8()?, reader.u8()?), Layout::Byte)
            }
            0x24 | 0x26 | 0x68 | 0x6D | 0x6E | 0x6F => {
                plain(sized(code, reader.u8()?)?, Layout::Byte)
            }
            0x23 | 0x63 | 0x22 | 0xA5 | 0xA7 | 0xAD | 0xAF | 0xE7 | 0xEF => {
                Self::read_long(code, reader)
            }
            0xF1 => {
                if reader.u8()? != 0 {
                    reader.b_text()?;
                    reader.b_text()?;
                    reader.us_text()?;
                }
                plain(SqlType::Xml, Layout::Parts)
            }
            0x1F => plain(SqlType::Int, Layout::Fixed(0)),
            other => Err(Short::Wrong(format!("type 0x{other:02X} of the protocol"))),
        }
    }

    /// As a parameter has it, where long values come without a pointer.
    pub(crate) fn read_parameter(reader: &mut Reader<'_>) -> Read<Self> {
        let mut wire = Self::read(reader)?;
        if wire.layout == Layout::Pointer {
            wire.layout = Layout::Long;
        }
        Ok(wire)
    }

    fn read_long(code: u8, reader: &mut Reader<'_>) -> Read<Self> {
        let pointer = matches!(code, 0x22 | 0x23 | 0x63);
        let size = if pointer {
            reader.u32()?;
            0
        } else {
            reader.u16()?
        };
        let utf8 = if matches!(code, 0xA5 | 0xAD | 0x22) {
            false
        } else {
            reader.take(5)?.get(3).is_some_and(|byte| byte & 4 != 0)
        };
        let chars = if size == MAX { MAX } else { size / 2 };
        let ty = match code {
            0x23 => SqlType::Text,
            0x63 => SqlType::NText,
            0x22 => SqlType::Image,
            0xA5 => SqlType::VarBinary(size),
            0xAD => SqlType::Binary(size),
            0xA7 => SqlType::VarChar(size),
            0xAF => SqlType::Char(size),
            0xE7 => SqlType::NVarChar(chars),
            _ => SqlType::NChar(chars),
        };
        let layout = match size {
            _ if pointer => Layout::Pointer,
            MAX => Layout::Parts,
            _ => Layout::Word,
        };
        Ok(Self { ty, layout, utf8 })
    }
}

fn sized(code: u8, size: u8) -> Read<SqlType> {
    Ok(match (code, size) {
        (0x24, 16) => SqlType::Guid,
        (0x26, 1) => SqlType::TinyInt,
        (0x26, 2) => SqlType::SmallInt,
        (0x26, 4) => SqlType::Int,
        (0x26, 8) => SqlType::BigInt,
        (0x68, _) => SqlType::Bit,
        (0x6D, 4) => SqlType::Real,
        (0x6D, 8) => SqlType::Float,
        (0x6E, 4) => SqlType::SmallMoney,
        (0x6E, 8) => SqlType::Money,
        (0x6F, 4) => SqlType::SmallDateTime,
        (0x6F, 8) => SqlType::DateTime,
        _ => return Err(Short::Wrong(format!("type 0x{code:02X} of {size} bytes"))),
    })
}

impl std::fmt::Display for SqlType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut long = |name: &str, length: u16| match length {
            MAX => write!(f, "{name}(max)"),
            length => write!(f, "{name}({length})"),
        };
        match *self {
            Self::Char(length) => long("char", length),
            Self::VarChar(length) => long("varchar", length),
            Self::NChar(length) => long("nchar", length),
            Self::NVarChar(length) => long("nvarchar", length),
            Self::Binary(length) => long("binary", length),
            Self::VarBinary(length) => long("varbinary", length),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            Self::Time(scale) => write!(f, "time({scale})"),
            Self::DateTime2(scale) => write!(f, "datetime2({scale})"),
            Self::DateTimeOffset(scale) => write!(f, "datetimeoffset({scale})"),
            Self::Guid => f.write_str("uniqueidentifier"),
            other => f.write_str(&format!("{other:?}").to_ascii_lowercase()),
        }
    }
}
