//! Numbers as people of a locale write them (`($1,234.50)`, `1.234,50 €`), brought to the plain form `-1234.50`.

use super::{Locale, ParseError, trim};

/// Longer texts are refused: no type holds so many digits.
const LENGTH_MAX: usize = 320;

/// A number in plain form: `[-]digits[.digits][e[±]digits]`, on the stack.
pub(super) struct Plain {
    bytes: [u8; LENGTH_MAX],
    length: usize,
}

impl Plain {
    /// Reads `text` by the rules of `locale`: one currency sign at either end, one sign at either end or parentheses,
    /// group signs between digits, the decimal sign, an exponent.
    pub(super) fn read(text: &[u8], locale: &Locale) -> Result<Self, ParseError> {
        let (negative, body) = strip_signs(text, locale)?;
        let mut plain = Self {
            bytes: [0; LENGTH_MAX],
            length: 0,
        };
        if negative {
            plain.push(b'-')?;
        }
        plain.read_digits(body, locale)?;
        Ok(plain)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, byte: u8) -> Result<(), ParseError> {
        let slot = self
            .bytes
            .get_mut(self.length)
            .ok_or(ParseError::Overflow)?;
        *slot = byte;
        self.length += 1;
        Ok(())
    }

    fn read_digits(&mut self, body: &[u8], locale: &Locale) -> Result<(), ParseError> {
        let mut rest = body;
        let (mut digits, mut fraction) = (0usize, false);
        while let [first, tail @ ..] = rest {
            match *first {
                digit @ b'0'..=b'9' => {
                    digits += 1;
                    self.push(digit)?;
                    rest = tail;
                }
                sign if sign == locale.decimal && !fraction => {
                    fraction = true;
                    self.push(b'.')?;
                    rest = tail;
                }
                b'e' | b'E' if digits > 0 => return self.read_exponent(tail),
                _ if digits > 0 && !fraction => {
                    rest = locale.strip_group(rest).ok_or(ParseError::Syntax)?;
                }
                _ => return Err(ParseError::Syntax),
            }
        }
        if digits == 0 {
            Err(ParseError::Syntax)
        } else {
            Ok(())
        }
    }

    fn read_exponent(&mut self, text: &[u8]) -> Result<(), ParseError> {
        self.push(b'e')?;
        let digits = match text {
            [b'-', rest @ ..] => {
                self.push(b'-')?;
                rest
            }
            [b'+', rest @ ..] => rest,
            _ => text,
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(ParseError::Syntax);
        }
        digits.iter().try_for_each(|digit| self.push(*digit))
    }
}

/// Takes sign, parentheses and currency off both ends; each at most once.
fn strip_signs<'a>(text: &'a [u8], locale: &Locale) -> Result<(bool, &'a [u8]), ParseError> {
    let mut body = trim(text);
    let (mut signed, mut negative, mut currency) = (false, false, false);
    if let [b'(', inner @ .., b')'] = body {
        (signed, negative, body) = (true, true, trim(inner));
    }
    loop {
        let before = body.len();
        if !signed {
            let stripped = match body {
                [sign @ (b'-' | b'+'), rest @ ..] => Some((*sign, rest)),
                [rest @ .., sign @ (b'-' | b'+')] => Some((*sign, rest)),
                _ => None,
            };
            if let Some((sign, rest)) = stripped {
                (signed, negative, body) = (true, sign == b'-', rest);
            }
        }
        if !currency && let Some(rest) = locale.strip_currency(body) {
            (currency, body) = (true, trim(rest));
        }
        if body.len() == before {
            break;
        }
    }
    if body.is_empty() {
        return Err(ParseError::Syntax);
    }
    Ok((negative, body))
}
