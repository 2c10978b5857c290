//! Batches of [`COLUMNS`], each column with a range and with NULLs of its own.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
        Int16Array, PrimitiveArray, RecordBatch, StringViewArray, StructArray,
        TimestampMicrosecondArray,
    },
    buffer::NullBuffer,
    datatypes::{
        DataType as ArrowType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, Schema, Time32SecondType, Time64NanosecondType,
        TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use dtsx::DataType;
use fletching_expression::types;

use super::{
    COLUMNS, Choices,
    values::{self, MICROS_PER_DAY, Range},
};

/// So many rows.
pub(crate) fn batch(choices: &mut Choices<'_>, rows: usize) -> RecordBatch {
    let fields: Vec<_> = COLUMNS
        .iter()
        .map(|(name, data_type)| types::field(name, data_type))
        .collect();
    let columns = COLUMNS
        .iter()
        .map(|(_, data_type)| {
            let range = choices.of(&[Range::Small, Range::Small, Range::Any, Range::Edges]);
            let one_null_in = choices.of(&[0, 3, 0, 0, 8, 0, 1, 0]);
            let mut column = Column {
                choices,
                range,
                one_null_in,
                rows,
            };
            column.array(data_type)
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}

/// A row of the largest numbers, of texts that are not ASCII, of the last day.
pub(crate) fn extremes() -> RecordBatch {
    batch(&mut Choices::new(&[3; 4000]), 1)
}

struct Column<'c, 'b> {
    choices: &'c mut Choices<'b>,
    range: Range,
    /// 0 for none, 1 for all.
    one_null_in: usize,
    rows: usize,
}

impl Column<'_, '_> {
    fn each<T>(
        &mut self,
        mut value: impl FnMut(&mut Choices<'_>, Range) -> T,
    ) -> impl Iterator<Item = Option<T>> {
        let values: Vec<Option<T>> = (0..self.rows)
            .map(|_| {
                let null = self.one_null_in > 0 && self.choices.one_in(self.one_null_in);
                (!null).then(|| value(self.choices, self.range))
            })
            .collect();
        values.into_iter()
    }

    fn primitive<T: ArrowPrimitiveType>(
        &mut self,
        value: impl FnMut(&mut Choices<'_>, Range) -> T::Native,
    ) -> PrimitiveArray<T> {
        self.each(value).collect()
    }

    fn integers<T: ArrowPrimitiveType>(&mut self, least: i128, most: i128) -> ArrayRef
    where
        T::Native: TryFrom<i128>,
    {
        Arc::new(self.primitive::<T>(|choices, range| {
            let number = values::integer(choices, range, least, most);
            T::Native::try_from(number).unwrap_or_default()
        }))
    }

    fn decimals(&mut self, data_type: &DataType, least: i128, most: i128) -> ArrayRef {
        let numbers = self.primitive::<Decimal128Type>(|choices, range| {
            values::integer(choices, range, least, most)
        });
        Arc::new(numbers.with_data_type(types::arrow_type(data_type)))
    }

    /// Moments with so many digits of a second, from a day on.
    fn moments(&mut self, digits: u8, from: i64) -> TimestampMicrosecondArray {
        self.primitive::<TimestampMicrosecondType>(|choices, range| {
            let day = values::day(choices, range).max(from);
            day * MICROS_PER_DAY + values::micros(choices, range, digits)
        })
    }

    fn texts(&mut self, length: usize, wide: bool) -> ArrayRef {
        let texts = self.each(|choices, range| values::text(choices, range, length, wide));
        Arc::new(texts.collect::<StringViewArray>())
    }

    fn bytes(&mut self, length: usize) -> ArrayRef {
        let bytes = self.each(|choices, range| {
            let text = values::text(choices, range, length, false);
            text.bytes().take(length).collect::<Vec<u8>>()
        });
        Arc::new(bytes.collect::<BinaryViewArray>())
    }

    /// UTC and minutes to the local time, which is in the years 1 to 9999 too.
    fn zoned(&mut self) -> ArrayRef {
        let utc = self.moments(6, -719_161);
        let offset: Int16Array =
            self.primitive::<Int16Type>(|choices, _| choices.of(&[0, 330, -840, 840, -1]));
        let latest = 2_932_896 * MICROS_PER_DAY - 1;
        let nulls = utc.nulls().cloned();
        let utc: TimestampMicrosecondArray = utc
            .values()
            .iter()
            .map(|at| Some(*at.min(&latest)))
            .collect();
        let offset = Int16Array::new(offset.values().clone(), None);
        let ArrowType::Struct(fields) =
            types::arrow_type(&DataType::DbTimeStampOffset { scale: 6 })
        else {
            return Arc::new(utc);
        };
        let columns: Vec<ArrayRef> = vec![Arc::new(utc.with_timezone("UTC")), Arc::new(offset)];
        Arc::new(StructArray::new(fields, columns, nulls))
    }

    fn guids(&mut self) -> ArrayRef {
        let rows: Vec<Option<u8>> = self.each(|choices, _| choices.below(3) as u8).collect();
        let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
        let values: Vec<u8> = rows.iter().flat_map(|row| [row.unwrap_or(0); 16]).collect();
        Arc::new(FixedSizeBinaryArray::new(16, values.into(), Some(nulls)))
    }

    fn array(&mut self, data_type: &DataType) -> ArrayRef {
        match *data_type {
            DataType::I1 => self.integers::<Int8Type>(i8::MIN.into(), i8::MAX.into()),
            DataType::I2 => self.integers::<Int16Type>(i16::MIN.into(), i16::MAX.into()),
            DataType::I4 => self.integers::<Int32Type>(i32::MIN.into(), i32::MAX.into()),
            DataType::I8 => self.integers::<Int64Type>(i64::MIN.into(), i64::MAX.into()),
            DataType::UI1 => self.integers::<UInt8Type>(0, u8::MAX.into()),
            DataType::UI2 => self.integers::<UInt16Type>(0, u16::MAX.into()),
            DataType::UI4 => self.integers::<UInt32Type>(0, u32::MAX.into()),
            DataType::UI8 => self.integers::<UInt64Type>(0, u64::MAX.into()),
            DataType::R4 => Arc::new(self.primitive::<Float32Type>(|choices, range| {
                let number = values::float(choices, range) as f32;
                if number.is_finite() { number } else { -0.75 }
            })),
            DataType::R8 => Arc::new(self.primitive::<Float64Type>(values::float)),
            DataType::Cy => self.decimals(data_type, i64::MIN.into(), i64::MAX.into()),
            DataType::Decimal { .. } => {
                let most = (1 << 96) - 1;
                self.decimals(data_type, -most, most)
            }
            DataType::Numeric { precision, .. } => {
                let most = 10_i128.pow(u32::from(precision)) - 1;
                self.decimals(data_type, -most, most)
            }
            DataType::Bool => {
                let values = self.each(|choices, _| choices.one_in(2));
                Arc::new(values.collect::<BooleanArray>())
            }
            DataType::WStr { length } => self.texts(length as usize, true),
            DataType::Str { length, .. } => self.texts(length as usize, false),
            DataType::Text { .. } => self.texts(6000, false),
            DataType::Bytes { length } => self.bytes(length as usize),
            DataType::Image => self.bytes(300),
            DataType::Guid => self.guids(),
            DataType::DbDate => Arc::new(
                self.primitive::<Date32Type>(|choices, range| values::day(choices, range) as i32),
            ),
            DataType::DbTime => Arc::new(self.primitive::<Time32SecondType>(|choices, range| {
                (values::micros(choices, range, 0) / 1_000_000) as i32
            })),
            DataType::DbTime2 { scale } => {
                Arc::new(self.primitive::<Time64NanosecondType>(|choices, range| {
                    values::micros(choices, range, scale) * 1000 + choices.below(10) as i64 * 100
                }))
            }
            // From the year 100 on.
            DataType::Date => Arc::new(self.moments(3, -683_003)),
            DataType::DbTimeStamp => Arc::new(self.moments(3, i64::MIN)),
            DataType::DbTimeStamp2 { scale } => Arc::new(self.moments(scale, i64::MIN)),
            DataType::DbTimeStampOffset { .. } => self.zoned(),
            DataType::FileTime => Arc::new(self.moments(6, -134_774)),
            DataType::NText | DataType::Null | DataType::Empty => self.texts(6000, true),
        }
    }
}
