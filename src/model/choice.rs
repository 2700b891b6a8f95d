//! Closed lists of words that stand in files, on the command line and in what is printed: each is declared once.

/// A word that is not in its list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not {what}; the words are {list}")]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// What the list is of, such as `something to allow`.
    pub what: &'static str,
    /// All words that are known.
    pub list: &'static str,
}

/// Declares such a list: the enum with `ALL`, `WORDS` and `LIST` in the order of the documents, `word`, `Display`,
/// `FromStr`, its JSON and the schema of that. The text behind the name says what a word of it is, for the message about
/// another one.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident: $what:literal {
            $(#[$first_meta:meta])* $first:ident = $first_word:literal
            $(, $(#[$variant_meta:meta])* $variant:ident = $word:literal)* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            schemars::JsonSchema,
        )]
        pub enum $name {
            $(#[$first_meta])* #[serde(rename = $first_word)] $first,
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant),*
        }

        impl $name {
            /// All of them, in the order of the documents.
            pub const ALL: &'static [Self] = &[Self::$first $(, Self::$variant)*];
            /// Their words, in that order.
            pub const WORDS: &'static [&'static str] = &[$first_word $(, $word)*];
            /// Their words in one text.
            pub const LIST: &'static str = concat!($first_word $(, ", ", $word)*);

            /// Its word.
            pub const fn word(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word),*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.word() == word).ok_or_else(|| {
                    $crate::model::UnknownWord { word: word.to_owned(), what: $what, list: Self::LIST }
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What protects a channel on the wire.
    pub enum Tls: "a protection" {
        /// Clear text.
        Off = "off",
        /// Encrypted; the certificate is not looked at.
        Required = "required",
        /// Encrypted; the certificate must be of the known authority.
        VerifyCa = "verify_ca",
        /// Encrypted; the certificate must be of the known authority and name the source.
        VerifyIdentity = "verify_identity",
    }
}

impl Tls {
    /// Whether the channel is encrypted at all.
    pub fn encrypted(self) -> bool {
        self != Tls::Off
    }
}

words! {
    /// How a channel knows where it is.
    pub enum Positioning: "a positioning" {
        /// By global transaction ids.
        Gtid = "gtid",
        /// By file and position in the source's binary log.
        File = "file",
    }
}

words! {
    /// How an empty replica gets its data.
    pub enum SeedMethod: "a way to copy" {
        /// What fits: a logical copy.
        Auto = "auto",
        /// A dump that is streamed from host to host.
        Logical = "logical",
        /// A copy of the files by `mariadb-backup`.
        Physical = "physical",
        /// MySQL's clone plugin.
        Clone = "clone",
        /// No copy; the user takes care of the data.
        None = "none",
    }
}

words! {
    /// The way of a copy's bytes.
    pub enum SeedPath: "a way for the bytes of a copy" {
        /// From host to host where that is possible and worth it.
        Auto = "auto",
        /// From host to host.
        Direct = "direct",
        /// Through the controller.
        Relay = "relay",
    }
}

words! {
    /// A tool that can rule a host's packet filter, as it is chosen.
    pub enum FirewallChoice: "a packet filter" {
        /// What is in use.
        Auto = "auto",
        /// nft.
        Nftables = "nftables",
        /// iptables and ip6tables, of either kind.
        Iptables = "iptables",
        /// firewalld.
        Firewalld = "firewalld",
        /// ufw.
        Ufw = "ufw",
        /// None: ports are left alone.
        None = "none",
    }
}

words! {
    /// Which settings tandem's option file holds.
    pub enum OptionFileHolds: "a form of the option file" {
        /// Every declared one.
        Everything = "everything",
        /// Only what neither other option files nor the server's built-in values give already: a server that somebody
        /// else has configured well needs no line of ours.
        WhatIsMissing = "what_is_missing",
    }
}

words! {
    /// How the server that clients write to is restarted.
    pub enum RestartPrimary: "a way to restart" {
        /// A replica takes the writes meanwhile.
        Switchover = "switchover",
        /// Clients can't write meanwhile.
        InPlace = "in_place",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_declared_once() {
        assert_eq!(Tls::LIST, "off, required, verify_ca, verify_identity");
        assert_eq!(SeedMethod::WORDS.len(), SeedMethod::ALL.len());
        for method in SeedMethod::ALL {
            assert_eq!(method.to_string().parse(), Ok(*method));
        }
        let said = "wire".parse::<Tls>().expect_err("no word").to_string();
        assert_eq!(
            said,
            "`wire` is not a protection; the words are off, required, verify_ca, verify_identity"
        );
    }
}
