//! The users of the pool, in `users.json`: who may log in, and with which password.
//!
//! - [`file`]: the file as it is read and edited.
//! - [`password`]: hashes of passwords.
//! - [`book`]: the users while the pool runs, following the file.
//! - [`admin_password`]: the password of the stratum port's admin.
//! - [`mode`]: whether a password is needed.
//! - [`tries`]: how many wrong attempts are allowed.
//! - [`cli`]: `snarkos pool user`.

pub mod admin_password;
pub mod book;
pub mod cli;
pub mod file;
pub mod mode;
pub mod password;
pub mod tries;

pub use admin_password::AdminPassword;
pub use book::Users;
pub use mode::UserMode;
