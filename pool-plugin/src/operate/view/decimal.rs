//! Numbers that JSON readers would round, as text.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

/// A whole number of up to 128 bits. In JSON it is text: many readers keep only 53 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(pub u128);

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self(number.into())
    }
}

impl From<u128> for Decimal {
    fn from(number: u128) -> Self {
        Self(number)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        u128::from_str(&text).map(Self).map_err(D::Error::custom)
    }
}

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]{1,39}$"))
            .description(Some("A whole number as text: it may need more than the 53 bits of a JSON number"))
            .examples(["1250000000000"])
            .into()
    }
}

impl ToSchema for Decimal {
    fn name() -> Cow<'static, str> {
        "Decimal".into()
    }
}

/// Thousandths as a ratio.
pub(super) fn effort(permille: u64) -> f64 {
    permille as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_text_and_keeps_every_digit() {
        let json = serde_json::to_string(&Decimal(u128::MAX)).unwrap();
        assert_eq!(json, r#""340282366920938463463374607431768211455""#);
        assert_eq!(serde_json::from_str::<Decimal>(&json).unwrap(), Decimal(u128::MAX));
        assert!(serde_json::from_str::<Decimal>(r#""-1""#).is_err());
    }
}
