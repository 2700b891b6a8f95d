//! Whether the certificate that a host has will do. Pure: the time is the host's own clock.

use x509_parser::{
    extensions::GeneralName, parse_x509_certificate, pem::parse_x509_pem, prelude::X509Certificate,
};

use super::RENEW_DAYS;

/// What lies in [`super::DIRECTORY`] on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The authority's certificate as PEM; empty where there is none.
    pub authority: String,
    /// The server's certificate as PEM; empty where there is none.
    pub certificate: String,
    /// Owner, group and mode of the key, such as `mysql mysql 400`; empty where there is none.
    pub key: String,
}

/// Why a host needs another certificate; `None` where what it has will do.
///
/// `authority` is the certificate beside the inventory, `names` are the names and addresses that the
/// certificate must have, `clock` is seconds since 1970 on the host.
pub fn judge(
    have: &CertificateFacts,
    authority: Option<&str>,
    names: &[String],
    clock: f64,
) -> Option<String> {
    if have.certificate.trim().is_empty() || have.key.is_empty() {
        return Some("it has no certificate".into());
    }
    let Some(authority) = authority else {
        return Some("there is no authority beside the inventory yet".into());
    };
    if have.authority.trim() != authority.trim() {
        return Some("the authority it knows is not the one beside the inventory".into());
    }
    if !have.key.ends_with(" 400") && !have.key.ends_with(" 600") && !have.key.ends_with(" 640") {
        return Some(format!("its key can be read by others ({})", have.key));
    }
    let outcome = with(&have.certificate, |certificate| {
        with(authority, |authority| look(certificate, authority, names, clock))
    });
    match outcome {
        Some(Some(verdict)) => verdict,
        _ => Some("its certificate makes no sense".into()),
    }
}

fn with<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
    let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
    let (_, certificate) = parse_x509_certificate(&pem.contents).ok()?;
    Some(look(&certificate))
}

fn look(
    certificate: &X509Certificate<'_>,
    authority: &X509Certificate<'_>,
    names: &[String],
    clock: f64,
) -> Option<String> {
    if certificate.verify_signature(Some(authority.public_key())).is_err() {
        return Some("its certificate is not by the authority beside the inventory".into());
    }
    let known = names_in(certificate);
    if let Some(missing) = names.iter().find(|n| !known.contains(n)) {
        return Some(format!("its certificate does not have the name {missing}"));
    }
    let left = certificate.validity().not_after.timestamp() - clock as i64;
    let days = left.div_euclid(86_400);
    if days < 0 {
        return Some("its certificate has ended".into());
    }
    (days < RENEW_DAYS).then(|| format!("its certificate ends within {RENEW_DAYS} days"))
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
        };
        let again = Authority::open(directory.path()).expect("the same authority");
        let ca = Some(again.certificate.as_str());
        assert_eq!(judge(&have, ca, &names, now()), None);
        let more = [names.clone(), vec!["10.0.0.9".to_owned()]].concat();
        assert!(judge(&have, ca, &more, now()).is_some_and(|w| w.contains("10.0.0.9")));
        let later = now() + 86_400.0 * 800.0;
        assert!(judge(&have, ca, &names, later).is_some_and(|w| w.contains("within 30 days")));
        assert!(judge(&have, ca, &names, later + 86_400.0 * 100.0).is_some_and(|w| w.contains("has ended")));
        let other = tempfile::tempdir().expect("a directory");
        let other = Authority::open(other.path()).expect("another authority");
        assert!(judge(&have, Some(&other.certificate), &names, now()).is_some());
        let open = CertificateFacts { key: "mysql mysql 644".into(), ..have };
        assert!(judge(&open, ca, &names, now()).is_some_and(|w| w.contains("read by others")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in ".*") {
            let have = CertificateFacts { authority: text.clone(), certificate: text.clone(), key: String::from("a b 400") };
            let _ = judge(&have, Some(&text), &[], 0.0);
        }
    }
}
