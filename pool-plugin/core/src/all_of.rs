//! The list of all values of an enum.

/// An array of all variants, each without fields: `all_of!(Level: Green, Amber, Red)`. Does not compile if one is
/// left out.
#[macro_export]
macro_rules! all_of {
    ($name:ident: $($variant:ident),+ $(,)?) => {{
        const _: fn(&$name) = |value| match value {
            $($name::$variant)|+ => (),
        };
        [$($name::$variant),+]
    }};
}
