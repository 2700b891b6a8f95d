//! Whether the certificate that a host has will do. Pure: the time is the host's own clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use x509_parser::{
    extensions::GeneralName, parse_x509_certificate, pem::parse_x509_pem, prelude::X509Certificate,
};

use super::RENEW_DAYS;

const DAY: i64 = 86_400;

/// What lies in [`super::DIRECTORY`] on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The certificates of the authorities that it trusts as PEM; empty where there is none.
    pub authority: String,
    /// The server's certificate as PEM; empty where there is none.
    pub certificate: String,
    /// Owner, group and mode of the key, such as `mysql mysql 400`; empty where there is none.
    pub key: String,
    /// The public part of the key, as the host has worked it out.
    pub public: PublicKey,
}

impl CertificateFacts {
    /// Whether a host has neither a certificate nor an authority.
    pub fn is_nothing(&self) -> bool {
        [&self.authority, &self.certificate, &self.key].iter().all(|text| text.trim().is_empty())
    }
}

/// The public part of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PublicKey {
    /// SHA-256 of the key with its parameters (`SubjectPublicKeyInfo`), as hexadecimal digits.
    Info(String),
    /// The point on its curve without the first byte, as hexadecimal digits.
    Point(String),
    /// There is a file, and no key in it that a program on the host can read.
    Broken,
    /// The host could not tell.
    #[default]
    Unknown,
}

/// The authority beside the inventory as a judge sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether the host trusts it.
    pub trusts: bool,
    /// Whether the host's certificate is by it.
    pub by: bool,
}

/// Why a certificate will not do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Flaw {
    /// There is none, or no key to it.
    Missing,
    /// Others can read its key.
    OpenKey {
        /// The key's owner, group and mode.
        key: String,
    },
    /// It can't be read.
    Invalid,
    /// Its key is another one's.
    OtherKey,
    /// It lacks a name.
    WithoutName {
        /// The first name or address that it lacks.
        name: String,
    },
    /// It has ended.
    Ended,
    /// It ends soon.
    EndsSoon {
        /// Within this many days.
        days: i64,
    },
}

/// Every certificate of a file of PEM texts, each as a PEM text of its own.
pub(crate) fn certificates(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|rest| rest.split_once(END));
    let lines =
        |body: &str| body.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
    blocks.map(|(body, _)| format!("-----BEGIN CERTIFICATE-----\n{}\n{END}\n", lines(body))).collect()
}

/// When a certificate ends, as seconds since 1970; `None` where it is none.
pub(crate) fn ends(pem: &str) -> Option<i64> {
    with(pem, |certificate| certificate.validity().not_after.timestamp())
}

/// Whether a public key (`SubjectPublicKeyInfo`) is that of a certificate.
pub(crate) fn belongs(pem: &str, public: &[u8]) -> bool {
    with(pem, |certificate| certificate.public_key().raw == public).unwrap_or(false)
}

/// What a host makes of an authority.
pub(crate) fn verdict(have: &CertificateFacts, authority: &str) -> Verdict {
    let trusted = certificates(&have.authority);
    let of_authority = certificates(authority);
    let by = with(&have.certificate, |certificate| {
        with(authority, |authority| certificate.verify_signature(Some(authority.public_key())).is_ok())
    });
    Verdict {
        trusts: !of_authority.is_empty() && of_authority.iter().all(|one| trusted.contains(one)),
        by: by.flatten().unwrap_or(false),
    }
}

/// Why a host needs another certificate by the authority that it has one of; `None` where what it has will do.
///
/// `names` are the names and addresses that the certificate must have, `clock` is seconds since 1970 on the host. That
/// a certificate ends with its authority is no reason: another one would, too.
pub(crate) fn judge(have: &CertificateFacts, authority: &str, names: &[String], clock: f64) -> Option<Flaw> {
    if have.certificate.trim().is_empty() || have.key.is_empty() {
        return Some(Flaw::Missing);
    }
    if !have.key.ends_with(" 400") && !have.key.ends_with(" 600") && !have.key.ends_with(" 640") {
        return Some(Flaw::OpenKey { key: have.key.clone() });
    }
    let last = ends(authority);
    with(&have.certificate, |certificate| look(certificate, have, names, last, clock))
        .unwrap_or(Some(Flaw::Invalid))
}

fn with<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
    let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&pem.contents).ok()?;
    Some(look(&certificate))
}

fn look(
    certificate: &X509Certificate<'_>,
    have: &CertificateFacts,
    names: &[String],
    last: Option<i64>,
    clock: f64,
) -> Option<Flaw> {
    if !fits(certificate, &have.public) {
        return Some(Flaw::OtherKey);
    }
    let known = names_in(certificate);
    if let Some(missing) = names.iter().find(|n| !known.contains(n)) {
        return Some(Flaw::WithoutName { name: missing.clone() });
    }
    let end = certificate.validity().not_after.timestamp();
    if last.is_some_and(|last| end >= last) {
        return None;
    }
    let days = (end - clock as i64).div_euclid(DAY);
    if days < 0 {
        return Some(Flaw::Ended);
    }
    (days < RENEW_DAYS).then_some(Flaw::EndsSoon { days: RENEW_DAYS })
}

/// Whether a key belongs to a certificate; what could not be worked out is no reason to change anything.
fn fits(certificate: &X509Certificate<'_>, public: &PublicKey) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let key = certificate.public_key();
    match public {
        PublicKey::Unknown => true,
        PublicKey::Broken => false,
        PublicKey::Info(digest) => *digest == digits(&Sha256::digest(key.raw)),
        PublicKey::Point(point) => match &*key.subject_public_key.data {
            [4, rest @ ..] => *point == digits(rest),
            _ => false,
        },
    }
}

fn names_in(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| std::net::Ipv4Addr::from(b).to_string()),
                16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| std::net::Ipv6Addr::from(b).to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Authority;

    fn now() -> f64 {
        jiff::Timestamp::now().as_second() as f64
    }

    #[test]
    fn what_was_issued_will_do_until_shortly_before_its_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::open(directory.path()).expect("an authority");
        let names = vec!["db-a".to_owned(), "10.0.0.1".to_owned(), "fd77::1".to_owned()];
        let issued = authority.issue(&names).expect("a certificate");
        let have = CertificateFacts {
            authority: authority.certificate,
            certificate: issued.certificate,
            key: "mysql mysql 400".into(),
            public: PublicKey::Unknown,
        };
        let again = Authority::open(directory.path()).expect("the same authority");
        let ca = again.certificate.as_str();
        assert_eq!(verdict(&have, ca), Verdict { trusts: true, by: true });
        assert_eq!(judge(&have, ca, &names, now()), None);
        let more = [names.clone(), vec!["10.0.0.9".to_owned()]].concat();
        assert_eq!(judge(&have, ca, &more, now()), Some(Flaw::WithoutName { name: "10.0.0.9".to_owned() }));
        let later = now() + 86_400.0 * 800.0;
        assert_eq!(judge(&have, ca, &names, later), Some(Flaw::EndsSoon { days: 30 }));
        assert_eq!(judge(&have, ca, &names, later + 86_400.0 * 100.0), Some(Flaw::Ended));
        let other = tempfile::tempdir().expect("a directory");
        let other = Authority::open(other.path()).expect("another authority");
        assert_eq!(verdict(&have, &other.certificate), Verdict { trusts: false, by: false });
        let both = format!("{}{}", other.certificate, have.authority);
        let both = CertificateFacts { authority: both, ..have.clone() };
        assert_eq!(verdict(&both, &other.certificate), Verdict { trusts: true, by: false });
        let open = CertificateFacts { key: "mysql mysql 644".into(), ..have };
        assert!(matches!(judge(&open, ca, &names, now()), Some(Flaw::OpenKey { .. })));
    }

    #[test]
    fn a_key_must_belong_to_its_certificate() {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::open(directory.path()).expect("an authority");
        let names = vec!["db-a".to_owned()];
        let (one, other) = (authority.issue(&names).expect("one"), authority.issue(&names).expect("another"));
        let info = |pem: &str| {
            let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let of = |c: &X509Certificate<'_>| {
                let key = c.public_key();
                (digits(&Sha256::digest(key.raw)), digits(&key.subject_public_key.data[1..]))
            };
            with(pem, of).expect("a certificate")
        };
        let flaw = |public: PublicKey| {
            let have = CertificateFacts {
                authority: authority.certificate.clone(),
                certificate: one.certificate.clone(),
                key: "mysql mysql 400".into(),
                public,
            };
            judge(&have, &authority.certificate, &names, now()).is_some()
        };
        let ((own, own_point), (foreign, foreign_point)) = (info(&one.certificate), info(&other.certificate));
        assert!(!flaw(PublicKey::Info(own)) && flaw(PublicKey::Info(foreign)));
        assert!(!flaw(PublicKey::Point(own_point)) && flaw(PublicKey::Point(foreign_point)));
        assert!(flaw(PublicKey::Broken) && !flaw(PublicKey::Unknown));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in ".*") {
            let have = CertificateFacts {
                authority: text.clone(),
                certificate: text.clone(),
                key: String::from("a b 400"),
                public: PublicKey::Info(text.clone()),
            };
            let _ = (judge(&have, &text, &[], 0.0), verdict(&have, &text), certificates(&text));
        }
    }
}
