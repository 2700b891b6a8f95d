//! The authority beside the inventory.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData,
};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{VALID_DAYS, certificates, ends};

/// Days that an authority of ours is good for.
const AUTHORITY_VALID_DAYS: i64 = 3650;

/// Why certificates can't be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// A file can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// There is a certificate without its key, or the other way round.
    #[error("{} is there and {} is not", there.display(), missing.display())]
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
    /// The authority's own certificate has ended.
    #[error("the authority in {} has ended; what it issues is good for nothing", .0.display())]
    Ended(PathBuf),
}

/// An authority that can issue certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: PathBuf,
    /// Its certificate as PEM, and whatever else lies in that file.
    pub certificate: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// What a server needs.
pub(crate) struct Issued {
    /// Its certificate as PEM.
    pub certificate: String,
    /// Its key as PEM.
    pub key: Zeroizing<String>,
}

fn paths(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join("ca.crt"), directory.join("ca.key"))
}

impl Authority {
    /// The certificate of the authority in a directory, if there is one. Reads only.
    ///
    /// # Errors
    /// When the file is there and can't be read, or holds no certificate.
    pub(crate) fn certificate_in(directory: &Path) -> Result<Option<String>, AuthorityError> {
        let path = directory.join("ca.crt");
        let Some(text) = read(&path)? else { return Ok(None) };
        match certificates(&text).first().and_then(|first| ends(first)) {
            Some(_) => Ok(Some(text)),
            None => Err(AuthorityError::Malformed { path, why: "it holds no certificate".into() }),
        }
    }

    /// Whether the authority's key is there, without which nothing is issued. Its content is not looked at.
    pub(crate) fn has_key(directory: &Path) -> bool {
        fs::metadata(directory.join("ca.key")).is_ok_and(|file| file.len() > 0)
    }

    /// The authority in a directory; it is made where there is none.
    ///
    /// # Errors
    /// When files can't be read or written, or make no sense.
    pub(crate) fn open(directory: &Path) -> Result<Self, AuthorityError> {
        let (cert_path, key_path) = paths(directory);
        match (Self::certificate_in(directory)?, read(&key_path)?) {
            (Some(certificate), Some(key)) => Self::from_pem(certificate, &Zeroizing::new(key), directory),
            (Some(_), None) => Err(AuthorityError::Half { there: cert_path, missing: key_path }),
            // A key that never got its certificate: making the authority was cut off in between.
            (None, Some(key)) => {
                let malformed = |e: rcgen::Error| AuthorityError::Malformed {
                    path: key_path.clone(),
                    why: e.to_string(),
                };
                let key = KeyPair::from_pem(&Zeroizing::new(key)).map_err(malformed)?;
                Self::create(directory, &key, true)
            }
            (None, None) => {
                let malformed = |e: rcgen::Error| AuthorityError::Malformed {
                    path: key_path.clone(),
                    why: e.to_string(),
                };
                Self::create(directory, &KeyPair::generate().map_err(malformed)?, false)
            }
        }
    }

    /// Another authority in the place of the one with this certificate, which is kept beside it under its date. Where
    /// that was done already, it is the one that is there.
    ///
    /// # Errors
    /// When files can't be read or written.
    pub(crate) fn renew(directory: &Path, old: &str) -> Result<Self, AuthorityError> {
        if Self::certificate_in(directory)?.is_some_and(|there| there.trim() == old.trim()) {
            let (cert_path, key_path) = paths(directory);
            let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
            // The certificate goes first: without it no key counts as an authority that could be half there.
            for path in [cert_path, key_path] {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let kept = directory.join(format!("until-{date}-{name}"));
                match fs::rename(&path, &kept) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(AuthorityError::File { path, error }),
                }
            }
        }
        Self::open(directory)
    }

    fn from_pem(certificate: String, key: &str, directory: &Path) -> Result<Self, AuthorityError> {
        let (cert_path, key_path) = paths(directory);
        let malformed = |path: &Path, e: rcgen::Error| AuthorityError::Malformed {
            path: path.into(),
            why: e.to_string(),
        };
        let key = KeyPair::from_pem(key).map_err(|e| malformed(&key_path, e))?;
        if !super::belongs(&certificate, &key.subject_public_key_info()) {
            return Err(AuthorityError::Malformed {
                path: key_path,
                why: "it is not the key of ca.crt".into(),
            });
        }
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(|e| malformed(&cert_path, e))?;
        Ok(Self { issuer, directory: directory.into(), certificate })
    }

    /// Makes an authority: both files are there, whole and on the disk, or none is. The key lies there first, since
    /// a certificate whose key is lost would be of no use to anybody.
    fn create(directory: &Path, key: &KeyPair, has_key: bool) -> Result<Self, AuthorityError> {
        let (cert_path, key_path) = paths(directory);
        let failed =
            |e: rcgen::Error| AuthorityError::Malformed { path: cert_path.clone(), why: e.to_string() };
        let file = |path: &Path| {
            let path = path.to_path_buf();
            move |error| AuthorityError::File { path, error }
        };
        let mut params = CertificateParams::default();
        // Two authorities of one name would be taken for each other where a host trusts both.
        let name = format!("tandem replication authority {}", Timestamp::now().strftime("%Y-%m-%d %H:%M:%S"));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, AUTHORITY_VALID_DAYS);
        let certificate = params.self_signed(key).map_err(failed)?.pem();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(file(directory))?;
        let secret = Zeroizing::new(key.serialize_pem());
        let new_cert = whole(directory, certificate.as_bytes(), 0o644).map_err(file(&cert_path))?;
        if !has_key {
            let new_key = whole(directory, secret.as_bytes(), 0o600).map_err(file(&key_path))?;
            place(new_key, &key_path).map_err(file(&key_path))?;
        }
        if let Err(error) = place(new_cert, &cert_path).and_then(|()| File::open(directory)?.sync_all()) {
            if !has_key {
                let _ = fs::remove_file(&key_path);
            }
            return Err(AuthorityError::File { path: cert_path, error });
        }
        Self::from_pem(certificate, &secret, directory)
    }

    /// A certificate for a server under all the names at which its replicas may know it. It ends with the authority
    /// at the latest.
    ///
    /// # Errors
    /// When a name can't stand in a certificate, or the authority itself has ended.
    pub(crate) fn issue(&self, names: &[String]) -> Result<Issued, AuthorityError> {
        let failed =
            |e: rcgen::Error| AuthorityError::Malformed { path: names.join(", ").into(), why: e.to_string() };
        let last = ends(&self.certificate).unwrap_or(i64::MAX);
        if last <= Timestamp::now().as_second() {
            return Err(AuthorityError::Ended(self.directory.clone()));
        }
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(names).map_err(failed)?;
        params.distinguished_name.push(DnType::CommonName, names.first().map_or("server", String::as_str));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        valid_for(&mut params, VALID_DAYS);
        if params.not_after.unix_timestamp() > last {
            // To the second: a certificate that ends with its authority is known by that.
            let over = params.not_after.unix_timestamp() - last;
            params.not_after -= std::time::Duration::from_secs(over.unsigned_abs());
        }
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?.pem();
        Ok(Issued { certificate, key: Zeroizing::new(key.serialize_pem()) })
    }

    /// A certificate that the user put into the directory for this host, if there is one.
    ///
    /// # Errors
    /// When only half of it is there.
    pub(crate) fn brought(directory: &Path, host: &str) -> Result<Option<Issued>, AuthorityError> {
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

/// A file's text. An empty file is none: a full disk or a lost power left it.
fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AuthorityError::File { path: path.into(), error }),
    }
}

/// A file without a name of its own yet, whole and on the disk.
fn whole(directory: &Path, content: &[u8], mode: u32) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Gives it its name, unless another run was faster; an empty file there gives way.
fn place(file: NamedTempFile, path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| there.len() == 0) {
        fs::remove_file(path)?;
    }
    file.persist_noclobber(path).map(|_| ()).map_err(|e| e.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_authority_is_finished_and_an_empty_file_is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        fs::write(path.join("ca.crt"), "").expect("an empty file");
        assert!(Authority::certificate_in(path).expect("none").is_none());
        let made = Authority::open(path).expect("an authority");
        // Cut off between the two files.
        fs::remove_file(path.join("ca.crt")).expect("removed");
        let again = Authority::open(path).expect("an authority");
        assert!(made.certificate != again.certificate);
        assert_eq!(fs::metadata(path.join("ca.key")).expect("a key").permissions().mode() & 0o777, 0o600);
        // A key of another authority.
        let other = tempfile::tempdir().expect("a directory");
        Authority::open(other.path()).expect("another authority");
        fs::copy(other.path().join("ca.key"), path.join("ca.key")).expect("a copy");
        assert!(matches!(Authority::open(path), Err(AuthorityError::Malformed { .. })));
        fs::remove_file(path.join("ca.key")).expect("removed");
        assert!(matches!(Authority::open(path), Err(AuthorityError::Half { .. })));
        fs::write(path.join("ca.crt"), "no certificate").expect("a file");
        assert!(Authority::certificate_in(path).is_err());
    }

    #[test]
    fn the_old_authority_is_kept_when_it_is_renewed_and_only_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let old = Authority::open(directory.path()).expect("an authority");
        let new = Authority::renew(directory.path(), &old.certificate).expect("another one");
        assert!(old.certificate != new.certificate);
        let again = Authority::renew(directory.path(), &old.certificate).expect("the same");
        assert_eq!(new.certificate, again.certificate);
        assert_eq!(fs::read_dir(directory.path()).expect("files").count(), 4);
    }
}
