//! Places for parameters: what goes in, and what is there once the results of a statement are out.
//!
//! A place has the type of the value that goes in, which is that of the variable behind it. What comes back is told in that
//! type, but decimals, which keep the digits that they come with.

use std::{num::NonZeroUsize, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Float64Array, Int32Array,
        Int64Array, StringViewArray, TimestampMicrosecondArray, new_null_array,
    },
    datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType as ArrowType},
};
use arrow_odbc::odbc_api::{
    Bit, DataType, Nullable,
    buffers::Indicator,
    parameter::{VarBinaryBox, VarCell, VarCharBox, VarKind, VarWCharBox, WithDataType},
    sys::{Date, ParamType, Timestamp},
};

use super::{
    rows::{days, micros},
    write::{Cells, date, timestamp},
};
use crate::database::{
    Direction, Parameter,
    natural::{decimal_back, to_type, without_zeros},
};

/// Units of a text or binary that comes back, where no size is declared.
const SIZE_UNDECLARED: usize = 4000;
/// There is room for so many at most.
const SIZE_MAX: usize = 16 << 20;
/// Letters of a decimal: 38 digits, a sign, a point, a zero before it.
const DECIMAL_CHARS: usize = 41;

pub(super) enum Value {
    Bit(Nullable<Bit>),
    Integer(Nullable<i32>),
    Long(Nullable<i64>),
    Real(Nullable<f64>),
    Date(Nullable<Date>),
    Timestamp(WithDataType<Nullable<Timestamp>>),
    Digits(WithDataType<VarCharBox>),
    Narrow(WithDataType<VarCharBox>),
    Wide(WithDataType<VarWCharBox>),
    Binary(WithDataType<VarBinaryBox>),
}

pub(super) struct Place {
    pub(super) way: ParamType,
    pub(super) value: Value,
    wanted: ArrowType,
    /// Units that are declared; 0 for none.
    size: usize,
}

/// What came back.
pub(super) struct Came {
    pub(super) value: ArrayRef,
    /// To how many units it was cut.
    pub(super) cut: Option<usize>,
}

/// How a parameter is bound. What comes back takes its value along unless it `only_comes` back.
fn way(direction: Direction, only_comes: bool) -> ParamType {
    match direction {
        Direction::Input => ParamType::Input,
        Direction::Output if !only_comes => ParamType::InputOutput,
        Direction::Output | Direction::ReturnValue => ParamType::Output,
    }
}

/// # Errors
/// Names the parameter whose value has no form in ODBC.
pub(super) fn places(
    parameters: &[Parameter],
    narrow: bool,
    only_comes: bool,
) -> Result<Vec<Place>, String> {
    let places = parameters.iter().enumerate().map(|(at, parameter)| {
        let place = Place::new(parameter, narrow, only_comes);
        place.map_err(|reason| format!("parameter {}: {reason}", at + 1))
    });
    places.collect()
}

impl Place {
    fn new(parameter: &Parameter, narrow: bool, only_comes: bool) -> Result<Self, String> {
        let wanted = parameter.value.data_type().clone();
        let value = match parameter.direction {
            Direction::ReturnValue => new_null_array(&wanted, 1),
            _ => Arc::clone(&parameter.value),
        };
        let wider = decimal_back(&wanted).filter(|_| parameter.direction != Direction::Input);
        // A number that has no room for more digits stays as it is.
        let wider = wider.and_then(|wider| to_type(&value, &wider).ok());
        let cells = Cells::new(wider.as_ref().unwrap_or(&value), narrow);
        let cells = cells.map_err(|error| error.to_string())?;
        let size = usize::try_from(parameter.size).unwrap_or(usize::MAX);
        let room = match (parameter.direction, size) {
            (Direction::Input, _) => 1,
            (_, 0) => SIZE_UNDECLARED,
            (_, size) => size.min(SIZE_MAX),
        };
        let value = Value::new(&cells, room);
        Ok(Self {
            way: way(parameter.direction, only_comes),
            value: value.ok_or("its value is beyond the dates of ODBC")?,
            wanted,
            size,
        })
    }

    pub(super) fn is_input(&self) -> bool {
        self.way == ParamType::Input
    }

    /// What came back.
    ///
    /// # Errors
    /// A value that was cut to another size than is declared, or that the type of the place cannot hold.
    pub(super) fn came(&self) -> Result<Came, String> {
        let (value, cut) = self.value.array()?;
        if let Some(units) = cut.filter(|units| self.size != *units) {
            return Err(format!(
                "its value is longer than the {units} characters that there is room for: declare its size (ParameterSize, {SIZE_MAX} at most)"
            ));
        }
        let natural = matches!(self.wanted, ArrowType::Null | ArrowType::Decimal128(..));
        let value = match natural {
            true => value,
            false => to_type(&value, &self.wanted).map_err(|error| error.to_string())?,
        };
        Ok(Came { value, cut })
    }
}

impl Value {
    /// A place for a value, with room for so many units at least; `None` for a moment of no calendar of ODBC.
    fn new(cells: &Cells, room: usize) -> Option<Self> {
        fn fixed<T: Default>(value: Option<T>) -> Nullable<T> {
            value.map_or_else(Nullable::null, Nullable::new)
        }
        fn some<T>(array: &impl Array, value: impl FnOnce() -> T) -> Option<T> {
            array.is_valid(0).then(value)
        }
        let text = |texts: &StringViewArray| some(texts, || texts.value(0).as_bytes().to_vec());
        Some(match cells {
            Cells::Bit(values) => {
                Self::Bit(fixed(some(values, || Bit::from_bool(values.value(0)))))
            }
            Cells::Integer(values) => Self::Integer(fixed(some(values, || values.value(0)))),
            Cells::Long(values) => Self::Long(fixed(some(values, || values.value(0)))),
            Cells::Real(values) => Self::Real(fixed(some(values, || values.value(0)))),
            Cells::Date(values) => Self::Date(fixed(match some(values, || values.value(0)) {
                Some(days) => Some(date(days)?),
                None => None,
            })),
            Cells::Timestamp(values) => {
                let value = match some(values, || values.value(0)) {
                    Some(micros) => Some(timestamp(micros)?),
                    None => None,
                };
                let data_type = DataType::Timestamp { precision: 6 };
                Self::Timestamp(WithDataType::new(fixed(value), data_type))
            }
            Cells::Digits(texts, precision, scale) => {
                let data_type = DataType::Decimal {
                    precision: (*precision).into(),
                    scale: (*scale).into(),
                };
                let (value, _) = cell(text(texts), DECIMAL_CHARS);
                Self::Digits(WithDataType::new(value, data_type))
            }
            Cells::Time(texts) | Cells::Narrow(texts) => {
                let (value, length) = cell(text(texts), room);
                Self::Narrow(WithDataType::new(value, DataType::Varchar { length }))
            }
            Cells::Wide(texts) => {
                let units = some(texts, || texts.value(0).encode_utf16().collect());
                let (value, length) = cell(units, room);
                // A `max` type of SQL Server has no length.
                let length = length.filter(|length| length.get() <= SIZE_UNDECLARED);
                Self::Wide(WithDataType::new(value, DataType::WVarchar { length }))
            }
            Cells::Binary(values) => {
                let (value, length) = cell(some(values, || values.value(0).to_vec()), room);
                let length = length.filter(|length| length.get() <= 2 * SIZE_UNDECLARED);
                Self::Binary(WithDataType::new(value, DataType::Varbinary { length }))
            }
        })
    }

    /// The value as it is now, and to how many units it was cut.
    fn array(&self) -> Result<(ArrayRef, Option<usize>), String> {
        let array: ArrayRef = match self {
            Self::Bit(value) => Arc::new(BooleanArray::from(vec![
                value.into_opt().map(|bit| bit.0 != 0),
            ])),
            Self::Integer(value) => Arc::new(Int32Array::from(vec![value.into_opt()])),
            Self::Long(value) => Arc::new(Int64Array::from(vec![value.into_opt()])),
            Self::Real(value) => Arc::new(Float64Array::from(vec![value.into_opt()])),
            Self::Date(value) => {
                let value = value.into_opt().map(|date| days(date).ok_or(date));
                let value = value
                    .transpose()
                    .map_err(|date| format!("{date:?} is no date"))?;
                Arc::new(Date32Array::from(vec![value]))
            }
            Self::Timestamp(value) => {
                let value = value
                    .value
                    .into_opt()
                    .map(|stamp| micros(stamp).ok_or(stamp));
                let value = value
                    .transpose()
                    .map_err(|stamp| format!("{stamp:?} is no moment"))?;
                Arc::new(TimestampMicrosecondArray::from(vec![value]))
            }
            Self::Digits(value) => decimal(text(&value.value).as_deref())?,
            Self::Narrow(value) => {
                let array = Arc::new(StringViewArray::from(vec![text(&value.value)]));
                return Ok((array, cut(&value.value)));
            }
            Self::Wide(value) => {
                let units = value.value.as_slice();
                let found = units.map(String::from_utf16_lossy);
                let array = Arc::new(StringViewArray::from(vec![found]));
                return Ok((array, cut(&value.value)));
            }
            Self::Binary(value) => {
                let array = Arc::new(BinaryViewArray::from(vec![value.value.as_bytes()]));
                return Ok((array, cut(&value.value)));
            }
        };
        Ok((array, None))
    }
}

/// A buffer for units of a text or binary.
type Cell<K> = VarCell<Box<[<K as VarKind>::Element]>, K>;

/// A buffer with a value in it and room for so many units, and how many units there are. Drivers end texts with a zero.
fn cell<K: VarKind>(
    value: Option<Vec<K::Element>>,
    room: usize,
) -> (Cell<K>, Option<NonZeroUsize>) {
    let indicator = match &value {
        Some(value) => Indicator::Length(size_of_val(value.as_slice())),
        None => Indicator::Null,
    };
    let mut units = value.unwrap_or_default();
    let length = units.len().max(room).max(1);
    units.resize(length + K::TERMINATING_ZEROES, K::ZERO);
    let buffer = units.into_boxed_slice();
    (
        VarCell::from_buffer(buffer, indicator),
        NonZeroUsize::new(length),
    )
}

/// The units that are left of a value that was longer.
fn cut<K: VarKind>(cell: &Cell<K>) -> Option<usize> {
    let units = cell.as_slice().map(<[K::Element]>::len);
    units.filter(|_| !cell.is_complete())
}

fn text(cell: &VarCharBox) -> Option<String> {
    let bytes = cell.as_bytes()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Digits as a decimal, without zeros at the end of its fraction.
fn decimal(digits: Option<&str>) -> Result<ArrayRef, String> {
    let digits = digits.map(str::trim);
    let fraction = digits.and_then(|digits| digits.split_once('.'));
    let scale = fraction.map_or(0, |(_, fraction)| fraction.len());
    let scale = i8::try_from(scale)
        .unwrap_or(i8::MAX)
        .min(DECIMAL128_MAX_SCALE);
    let text: ArrayRef = Arc::new(StringViewArray::from(vec![digits]));
    let wanted = ArrowType::Decimal128(DECIMAL128_MAX_PRECISION, scale);
    let value = to_type(&text, &wanted).map_err(|error| error.to_string())?;
    Ok(without_zeros(value))
}
