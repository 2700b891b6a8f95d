//! The authority beside the inventory.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use zeroize::Zeroizing;

use super::VALID_DAYS;

/// Why certificates can't be had.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is a certificate without its key, or the other way round.
    #[error("{} is there and {} is not; put both there, or neither", there.display(), missing.display())]
    Half {
        /// What is there.
        there: PathBuf,
        /// What is not.
        missing: PathBuf,
    },
    /// A key or certificate makes no sense.
    #[error("{}: {why}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// An authority that can issue certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate as PEM.
    pub certificate: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What a server needs.
pub struct Issued {
    /// Its certificate as PEM.
    pub certificate: String,
    /// Its key as PEM.
    pub key: Zeroizing<String>,
}

impl Authority {
    /// The certificate of the authority in a directory, if there is one. Reads only.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn certificate_in(directory: &Path) -> Result<Option<String>, AuthorityError> {
        read(&directory.join("ca.crt"))
    }

    /// The authority in a directory; it is made where there is none.
    ///
    /// # Errors
    /// When files can't be read or written, or make no sense.
    pub fn open(directory: &Path) -> Result<Self, AuthorityError> {
        let (cert_path, key_path) = (directory.join("ca.crt"), directory.join("ca.key"));
        match (read(&cert_path)?, read(&key_path)?) {
            (Some(certificate), Some(key)) => Self::from_pem(certificate, &Zeroizing::new(key), &cert_path),
            (Some(_), None) => Err(AuthorityError::Half { there: cert_path, missing: key_path }),
            (None, Some(_)) => Err(AuthorityError::Half { there: key_path, missing: cert_path }),
            (None, None) => Self::create(directory, &cert_path, &key_path),
        }
    }

    fn from_pem(certificate: String, key: &str, path: &Path) -> Result<Self, AuthorityError> {
        let malformed = |e: rcgen::Error| AuthorityError::Malformed { path: path.into(), why: e.to_string() };
        let key = KeyPair::from_pem(key).map_err(malformed)?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(malformed)?;
        Ok(Self { issuer, certificate })
    }

    fn create(directory: &Path, cert_path: &Path, key_path: &Path) -> Result<Self, AuthorityError> {
        let failed =
            |e: rcgen::Error| AuthorityError::Malformed { path: cert_path.into(), why: e.to_string() };
        let file = |path: &Path| {
            let path = path.to_path_buf();
            move |error| AuthorityError::File { path, error }
        };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "tandem replication authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, 3650);
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(file(directory))?;
        // The key first: a certificate whose key is lost would be of no use to anybody.
        let secret = Zeroizing::new(key.serialize_pem());
        write_new(key_path, secret.as_bytes(), 0o600).map_err(file(key_path))?;
        write_new(cert_path, certificate.as_bytes(), 0o644).map_err(file(cert_path))?;
        Self::from_pem(certificate, &secret, cert_path)
    }

    /// A certificate for a server under all the names at which its replicas may know it.
    ///
    /// # Errors
    /// When a name can't stand in a certificate.
    pub fn issue(&self, names: &[String]) -> Result<Issued, AuthorityError> {
        let failed =
            |e: rcgen::Error| AuthorityError::Malformed { path: names.join(", ").into(), why: e.to_string() };
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("server", String::as_str));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        valid_for(&mut params, VALID_DAYS);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        Ok(Issued { certificate, key: Zeroizing::new(key.serialize_pem()) })
    }

    /// A certificate that the user put into the directory for this host, if there is one.
    ///
    /// # Errors
    /// When only half of it is there.
    pub fn brought(directory: &Path, host: &str) -> Result<Option<Issued>, AuthorityError> {
        let (cert_path, key_path) =
            (directory.join(format!("{host}.crt")), directory.join(format!("{host}.key")));
        match (read(&cert_path)?, read(&key_path)?) {
            (Some(certificate), Some(key)) => Ok(Some(Issued { certificate, key: Zeroizing::new(key) })),
            (Some(_), None) => Err(AuthorityError::Half { there: cert_path, missing: key_path }),
            (None, Some(_)) => Err(AuthorityError::Half { there: key_path, missing: cert_path }),
            (None, None) => Ok(None),
        }
    }
}

/// Valid from yesterday, for clocks that go differently.
fn valid_for(params: &mut CertificateParams, days: i64) {
    let at = |days: i64| {
        let day = (Timestamp::now() + SignedDuration::from_hours(24 * days))
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        rcgen::date_time_ymd(
            day.year().into(),
            u8::try_from(day.month()).unwrap_or(1),
            u8::try_from(day.day()).unwrap_or(1),
        )
    };
    params.not_before = at(-1);
    params.not_after = at(days);
}

fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AuthorityError::File { path: path.into(), error }),
    }
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
