//! Types as tables of their fields or words.

/// Gives a type with [`Read`] and [`Write`] serde's traits, for those who use serde.
#[doc(hidden)]
#[macro_export]
macro_rules! by_serde {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text = $crate::json::to_string(self);
                let raw = serde_json::value::RawValue::from_string(text);
                raw.map_err(serde::ser::Error::custom)?
                    .serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = <serde_json::Value as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::json::Read>::read(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Writes and reads a struct as an object of the fields that are listed, in this order.
///
/// `or VALUE` names the struct whose fields stand in for those that are missing; without it only
/// options may be missing.
#[macro_export]
macro_rules! fields {
    (@write $type:ty { $($field:ident),* }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                let mut object = $crate::json::Object::new(out);
                $(object.field(stringify!($field), &self.$field);)*
                object.end();
            }
        }
    };
    ($type:ty { $($field:ident),* $(,)? }) => {
        $crate::fields!(@write $type { $($field),* });

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                let of = $crate::json::Fields::of(value)?;
                Ok(Self { $($field: of.get(stringify!($field))?),* })
            }
        }
    };
    ($type:ty { $($field:ident),* $(,)? } or |$of:ident| $usual:expr) => {
        $crate::fields!(@write $type { $($field),* });

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                let $of = $crate::json::Fields::of(value)?;
                let usual: Self = $usual;
                Ok(Self { $($field: $of.or(stringify!($field), usual.$field)?),* })
            }
        }
    };
}

/// Writes and reads an enum without data as one of these words.
///
/// With `as NAME` there is also a method of that name, which answers the word.
#[macro_export]
macro_rules! words {
    ($type:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        $crate::words!(@read $type { $($variant = $word),* });

        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                let word: &str = match self { $(Self::$variant => $word),* };
                $crate::json::Write::write(word, out);
            }
        }
    };
    ($type:ty as $name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $crate::words!(@read $type { $($variant = $word),* });

        impl $type {
            /// The name in files and on screens.
            pub const fn $name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                $crate::json::Write::write(self.$name(), out);
            }
        }
    };
    (@read $type:ty { $($variant:ident = $word:literal),* }) => {
        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)*
                    _ => Err($crate::json::Wrong::expected(concat!("one of" $(, " ", $word)*), value)),
                }
            }
        }
    };
}

/// Writes and reads an enum: a variant without data as its word, one with data as an object of one field,
/// whose name is the word.
#[macro_export]
macro_rules! variants {
    ($type:ty {
        $($variant:ident $(($value:ident))? $({ $($field:ident),* $(,)? })? = $word:literal),* $(,)?
    }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),* })? => {
                        $crate::variants!(@write out $word $($value)? $({ $($field)* })?);
                    })*
                }
            }
        }

        impl $crate::json::Read for $type {
            fn read(value: &serde_json::Value) -> Result<Self, $crate::json::Wrong> {
                let (word, value) = $crate::json::Fields::variant(value)?;
                match word {
                    $($word => $crate::variants!(@read $variant value $($value)? $({ $($field)* })?),)*
                    _ => Err($crate::json::Wrong::unknown(word)),
                }
            }
        }
    };
    (@write $out:ident $word:literal) => {
        $crate::json::Write::write($word, $out)
    };
    (@write $out:ident $word:literal $value:ident) => {
        $crate::json::Object::of_one($out, $word, $value)
    };
    (@write $out:ident $word:literal { $($field:ident)* }) => {
        $crate::json::Object::of_one(
            $out,
            $word,
            &$crate::json::Named(&[$((stringify!($field), $field)),*]),
        )
    };
    (@read $variant:ident $from:ident) => {
        Ok(Self::$variant)
    };
    (@read $variant:ident $from:ident $value:ident) => {
        $crate::json::Read::read($from).map(Self::$variant)
    };
    (@read $variant:ident $from:ident { $($field:ident)* }) => {{
        let of = $crate::json::Fields::of($from)?;
        Ok(Self::$variant { $($field: of.get(stringify!($field))?),* })
    }};
}
