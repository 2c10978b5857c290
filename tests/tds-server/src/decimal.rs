//! Decimals as a whole number and a scale.

/// A whole number divided by ten to the power of its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) unscaled: i128,
    pub(crate) scale: u8,
}

impl Decimal {
    /// Reads `-12.50` or `1.5e3`; nothing when the text is no number or does not fit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let digits = digits.strip_prefix('$').unwrap_or(digits);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut unscaled: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            unscaled = unscaled
                .checked_mul(10)?
                .checked_add(i128::from(byte - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()? - exponent;
        while scale < 0 {
            unscaled = unscaled.checked_mul(10)?;
            scale += 1;
        }
        while scale > 60 && unscaled != 0 {
            unscaled /= 10;
            scale -= 1;
        }
        let scale = if unscaled == 0 { scale.min(38) } else { scale };
        Some(Self {
            unscaled: if negative { -unscaled } else { unscaled },
            scale: u8::try_from(scale).ok()?,
        })
    }

    /// With another scale, rounded half away from zero.
    pub(crate) fn rescale(self, scale: u8) -> Option<Self> {
        let mut unscaled = self.unscaled;
        if scale >= self.scale {
            for _ in self.scale..scale {
                unscaled = unscaled.checked_mul(10)?;
            }
        } else {
            for _ in scale + 1..self.scale {
                unscaled /= 10;
            }
            let digit = unscaled % 10;
            unscaled = unscaled / 10 + i128::from(digit >= 5) - i128::from(digit <= -5);
        }
        Some(Self { unscaled, scale })
    }

    /// How many digits it has.
    pub(crate) fn digits(self) -> u32 {
        self.unscaled
            .unsigned_abs()
            .checked_ilog10()
            .map_or(1, |log| log + 1)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let power = 10_u128.checked_pow(u32::from(self.scale)).unwrap_or(1);
        let digits = self.unscaled.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        write!(
            f,
            "{sign}{}.{:0width$}",
            digits / power,
            digits % power,
            width = usize::from(self.scale)
        )
    }
}
