//! The pool's side of the admin socket.

use std::{io, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Command, act::Admin};
use crate::operate::{admin::Question, view::View};

/// The longest request, in bytes.
const MAX_LINE: u64 = 4096;

/// Makes the socket. It is never open to others, not even for a moment: it is made in a private folder, gets
/// its mode there and is then moved to its place.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let parent = path.parent().ok_or_else(|| io::Error::other("the socket path has no parent folder"))?;
    let folder = tempfile::Builder::new().prefix(".").tempdir_in(parent)?;
    let made = folder.path().join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    // Replaces a socket left by an earlier process.
    std::fs::rename(&made, path)?;
    Ok(listener)
}

/// Answers admins until `stop`, then removes the socket.
pub async fn serve(path: &Path, admin: Admin, view: View, stop: CancellationToken) {
    let listener = match bind(path) {
        Ok(listener) => listener,
        Err(reason) => {
            let file = path.display();
            warn!(%file, %reason, "cannot create the admin socket: running without it");
            return stop.cancelled().await;
        }
    };
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let (admin, view, stop) = (admin.clone(), view.clone(), stop.clone());
                tokio::spawn(async move { stop.run_until_cancelled(talk(stream, &admin, &view)).await });
            }
            Err(reason) => {
                warn!(%reason, "cannot accept an admin connection");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
    let _ = std::fs::remove_file(path);
}

async fn talk(stream: UnixStream, admin: &Admin, view: &View) -> io::Result<()> {
    let (read_half, mut write_half) = stream.into_split();
    let mut reader = BufReader::new(read_half);
    loop {
        let mut line = String::new();
        if (&mut reader).take(MAX_LINE).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let (admin, view) = (admin.clone(), view.clone());
        // Commands may read files and write one.
        let answering = tokio::task::spawn_blocking(move || answer(&line, &admin, &view));
        let answer = answering.await.map_err(io::Error::other)?;
        write_half.write_all(format!("{answer}\n").as_bytes()).await?;
    }
}

/// A line is a command or a query.
fn answer(line: &str, admin: &Admin, view: &View) -> Value {
    match (serde_json::from_str::<Command>(line), serde_json::from_str::<Question>(line)) {
        (Ok(command), _) => admin.act(&command),
        (Err(_), Ok(question)) => question.answer(view),
        (Err(error), Err(_)) => json!({"ok": false, "error": format!("not a command: {error}")}),
    }
}
