//! Enums of findings whose every variant has a stable code.

/// Declares an enum of findings: each variant stands with its code, and the list of all codes comes from the same lines.
macro_rules! coded {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $(
                $(#[$doc:meta])*
                $variant:ident
                $( { $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)? } )?
                $( ( $tuple:ty ) )?
                = $code:literal
            ),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $(
                $(#[$doc])*
                $variant
                $( { $( $(#[$field_doc])* $field: $type ),* } )?
                $( ( $tuple ) )?
            ),*
        }

        impl $name {
            /// The codes of all variants.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// Its code, stable from version to version.
            pub fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => $code ),*
                }
            }
        }
    };
}

/// Lets each family stand where any of `$whole` may.
macro_rules! families {
    ($whole:ident: $($family:ident($type:ty)),* $(,)?) => {
        $(
            impl From<$type> for $whole {
                fn from(of_family: $type) -> Self {
                    $whole::$family(of_family)
                }
            }
        )*
    };
}

pub(crate) use {coded, families};
