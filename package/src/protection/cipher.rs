//! The two ciphers of protected packages, over bytes: Triple DES up to SQL Server 2017, AES-256 since 2019.
//!
//! ```text
//!               key                                              salt       block
//! tripledes-cbc CryptDeriveKey(SHA-1(password)), 192 bits        not used   8 bytes
//! aes256-cbc    PBKDF2-HMAC-SHA-1(password, salt, 1000 rounds)   8 bytes    16 bytes
//! ```
//!
//! The password is taken as UTF-8. Triple DES has a salt of 7 bytes in every file and does not use it: that is how
//! .NET's `PasswordDeriveBytes.CryptDeriveKey` behaves. `CryptDeriveKey` for keys longer than the hash is documented for
//! the Windows CryptoAPI: SHA-1 of the hash XORed into 64 bytes of 0x36, then of the same with 0x5C, one behind the
//! other. Both derivations were found by opening packages of SQL Server 2005, 2014 and 2022 whose password is published.
//!
//! The last byte of what is decrypted is the number of bytes of padding; the others of the padding are arbitrary.

use aes::Aes256;
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding},
};
use des::TdesEde3;
use sha1::{Digest, Sha1};

use crate::Error;

/// Rounds of PBKDF2.
const ROUNDS: u32 = 1000;
const SHA1_BLOCK_BYTES: usize = 64;

/// How a value is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    TripleDes,
    Aes256,
}

/// What a cipher text needs beside the password.
#[derive(Debug, Clone)]
pub(super) struct Sealing {
    pub(super) algorithm: Algorithm,
    pub(super) salt: Vec<u8>,
    /// Initialization vector, one block.
    pub(super) iv: Vec<u8>,
}

impl Algorithm {
    /// By its name in XML Encryption.
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        [Self::TripleDes, Self::Aes256]
            .into_iter()
            .find(|algorithm| algorithm.uri() == uri.trim())
    }

    pub(super) fn uri(self) -> &'static str {
        match self {
            Self::TripleDes => "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            Self::Aes256 => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        }
    }

    pub(super) fn block_bytes(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes256 => 16,
        }
    }

    fn salt_bytes(self) -> usize {
        match self {
            Self::TripleDes => 7,
            Self::Aes256 => 8,
        }
    }
}

impl Sealing {
    /// A new one, salt and vector by chance.
    ///
    /// # Errors
    /// [`Error::Protect`] if the system has no random numbers.
    pub(super) fn new(algorithm: Algorithm) -> Result<Self, Error> {
        let mut sealing = Self {
            algorithm,
            salt: vec![0; algorithm.salt_bytes()],
            iv: vec![0; algorithm.block_bytes()],
        };
        fill(&mut sealing.salt)?;
        fill(&mut sealing.iv)?;
        Ok(sealing)
    }

    /// The plain bytes of whole blocks; `None` if their padding shows that the password is another one, or if they are
    /// no blocks.
    pub(super) fn open(&self, password: &str, cipher: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = cipher.to_vec();
        let opened = match self.algorithm {
            Algorithm::TripleDes => {
                let key = triple_des_key(password);
                let mode = Decryptor::<TdesEde3>::new_from_slices(&key, &self.iv).ok()?;
                mode.decrypt_padded::<NoPadding>(&mut bytes).ok()?.len()
            }
            Algorithm::Aes256 => {
                let key = self.aes_key(password);
                let mode = Decryptor::<Aes256>::new_from_slices(&key, &self.iv).ok()?;
                mode.decrypt_padded::<NoPadding>(&mut bytes).ok()?.len()
            }
        };
        let padding = usize::from(*bytes.get(opened.checked_sub(1)?)?);
        let fits = (1..=self.algorithm.block_bytes()).contains(&padding);
        bytes.truncate(opened.checked_sub(padding).filter(|_| fits)?);
        Some(bytes)
    }

    /// The cipher of bytes, padded.
    ///
    /// # Errors
    /// [`Error::Protect`].
    pub(super) fn close(&self, password: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let block = self.algorithm.block_bytes();
        let padding = block - plain.len() % block;
        let mut bytes = plain.to_vec();
        bytes.resize(plain.len() + padding, 0);
        if let Some(tail) = bytes.get_mut(plain.len()..) {
            fill(tail)?;
        }
        if let Some(last) = bytes.last_mut() {
            *last = padding as u8;
        }
        let closed = match self.algorithm {
            Algorithm::TripleDes => {
                let key = triple_des_key(password);
                Encryptor::<TdesEde3>::new_from_slices(&key, &self.iv)
                    .map(|mode| encrypt(mode, &mut bytes))
            }
            Algorithm::Aes256 => {
                let key = self.aes_key(password);
                Encryptor::<Aes256>::new_from_slices(&key, &self.iv)
                    .map(|mode| encrypt(mode, &mut bytes))
            }
        };
        match closed {
            Ok(true) => Ok(bytes),
            Ok(false) | Err(_) => Err(Error::Protect {
                detail: format!("{} took neither key nor block", self.algorithm.uri()),
            }),
        }
    }

    fn aes_key(&self, password: &str) -> [u8; 32] {
        pbkdf2::pbkdf2_hmac_array::<Sha1, 32>(password.as_bytes(), &self.salt, ROUNDS)
    }
}

/// Encrypts whole blocks in place; `false` if they are none.
fn encrypt(mode: impl BlockModeEncrypt, bytes: &mut [u8]) -> bool {
    let length = bytes.len();
    mode.encrypt_padded::<NoPadding>(bytes, length).is_ok()
}

/// `CryptDeriveKey` of the Windows CryptoAPI, for 192 bits from SHA-1.
fn triple_des_key(password: &str) -> [u8; 24] {
    let hash = Sha1::digest(password.as_bytes());
    let half = |filler: u8| {
        let mut block = [filler; SHA1_BLOCK_BYTES];
        for (byte, hashed) in block.iter_mut().zip(&hash) {
            *byte ^= hashed;
        }
        Sha1::digest(block)
    };
    let (first, second) = (half(0x36), half(0x5C));
    let mut key = [0; 24];
    for (byte, derived) in key.iter_mut().zip(first.iter().chain(&second)) {
        *byte = *derived;
    }
    key
}

fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::Protect {
        detail: format!("the system gives no random numbers: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_opens() {
        for algorithm in [Algorithm::TripleDes, Algorithm::Aes256] {
            for length in [0, 1, 7, 8, 15, 16, 17, 1000] {
                let plain: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
                let sealing = Sealing::new(algorithm).unwrap();
                let cipher = sealing.close("pä\u{1F511}", &plain).unwrap();
                assert_eq!(cipher.len() % algorithm.block_bytes(), 0);
                assert_ne!(cipher, plain);
                assert_eq!(sealing.open("pä\u{1F511}", &cipher).unwrap(), plain);
            }
        }
    }

    #[test]
    fn no_blocks_do_not_open() {
        for algorithm in [Algorithm::TripleDes, Algorithm::Aes256] {
            let mut sealing = Sealing::new(algorithm).unwrap();
            for length in [0, 1, algorithm.block_bytes() + 1] {
                assert_eq!(sealing.open("p", &vec![0; length]), None);
            }
            sealing.iv.pop();
            assert_eq!(sealing.open("p", &[0; 16]), None);
        }
    }
}
