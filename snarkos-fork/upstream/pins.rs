//! Nothing: this manifest only pins versions. See `docs/fork.md`.
