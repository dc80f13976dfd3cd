//! Whose process is this? A container may start it as root, so that a folder of the host's can be taken over; it gives
//! root up before it does anything else.

use std::{
    env, fs, io,
    os::unix::fs::{chown, lchown},
    path::Path,
};

use rustix::{
    fs::{Access, access},
    io::Errno,
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use tidegate_core::{Error, Result, error::Kind};

/// Of an image: who to be instead of root, as `UID:GID`.
const VARIABLE: &str = "TIDEGATE_USER";

/// As root, where the image names a user: gives the data folder and what lies in it to that user, and becomes it for
/// good. As anybody else: makes sure that the folder can be written to.
///
/// Identities belong to threads on Linux, so this comes before any other thread is started.
pub(crate) fn give_root_up(data: &Path) -> Result<()> {
    let Some(text) = env::var(VARIABLE).ok().filter(|text| !text.is_empty()) else { return Ok(()) };
    let owner = Owner::parse(&text)?;
    if geteuid().is_root() {
        return owner.replace_root(data);
    }
    if access(data, Access::WRITE_OK) == Err(Errno::ACCESS) {
        let message = format!(
            "{} belongs to another user. Start the container with --user 0, and the folder is taken over.",
            data.display()
        );
        return Err(Error::new(Kind::Unavailable, message));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// Root is nobody to become.
    fn parse(text: &str) -> Result<Self> {
        let wrong =
            || Error::bad_request(format!("{VARIABLE} is not UID:GID, such as 65532:65532."));
        let (uid, gid) = text.split_once(':').ok_or_else(wrong)?;
        let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse()) else { return Err(wrong()) };
        if uid == 0 || gid == 0 || uid == u32::MAX || gid == u32::MAX {
            return Err(wrong());
        }
        Ok(Self { uid, gid })
    }

    fn replace_root(self, data: &Path) -> Result<()> {
        self.take_over(data).and_then(|()| self.leave_root()).map_err(|error| {
            let message = format!("Cannot give root up for {}:{}: {error}.", self.uid, self.gid);
            Error::new(Kind::Unavailable, message)
        })
    }

    fn take_over(self, data: &Path) -> io::Result<()> {
        fs::create_dir_all(data)?;
        for entry in fs::read_dir(data)? {
            // A link is given away itself, not what it leads to.
            lchown(entry?.path(), Some(self.uid), Some(self.gid))?;
        }
        chown(data, Some(self.uid), Some(self.gid))
    }

    /// The user last: without root the rest could not be changed.
    fn leave_root(self) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_user_that_is_not_root_is_read() {
        assert_eq!(Owner::parse("65532:100").unwrap(), Owner { uid: 65532, gid: 100 });
        for wrong in ["", "65532", "0:0", "65532:0", "0:100", "me:me", "-1:1", "4294967295:1"] {
            assert!(Owner::parse(wrong).is_err(), "{wrong}");
        }
    }
}
