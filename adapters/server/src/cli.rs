//! What can be asked for on the command line?

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand};
use tidegate_core::config::FIRST_ADMIN;

/// One gateway for many language models.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Where everything is; every command takes these.
#[derive(Debug, Default, Args)]
pub(crate) struct Place {
    /// The configuration file; tidegate.toml is read when it is there
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(env = "TIDEGATE_CONFIG_FILE", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The folder of the database, the root secret and the lock [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    #[arg(env = "TIDEGATE_DATA", hide_env_values = true)]
    pub(crate) data: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    Serve(Serve),
    /// Say what is wrong with the configuration, and nothing else
    Check,
    /// Ask the server over the data folder whether it is ready
    Ready,
    /// Bring a database's schema up to date
    Migrate(Migrate),
    /// Make, list and revoke client keys
    #[command(subcommand)]
    Key(Key),
    /// Fetch newer prices, and price past records again
    #[command(subcommand)]
    Prices(Prices),
    /// Get into the dashboard when nobody can any more
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Change the root secret
    #[command(subcommand)]
    Secret(SecretCommand),
    /// Make, list and disable users of the dashboard
    #[command(subcommand)]
    User(UserCommand),
    /// Write everything that is configured into one file
    Export(Export),
    /// Take in such a file, or what another gateway was configured with
    Import(Import),
    /// Copy the database file while it is in use
    Backup(Backup),
}

const PASSPHRASE_HELP: &str = "The file with the passphrase for the secrets [env: TIDEGATE_PASSPHRASE holds the passphrase itself]";

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file to write; it must not be there
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Also the request log, its sums, the audit log, and what was used of limits
    #[arg(long)]
    pub(crate) records: bool,
    // Read by the command itself: a variable is never shown, wherever it is wrong.
    #[arg(long, value_name = "FILE", help = PASSPHRASE_HELP)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[arg(
        help = "The file; of api-key-rotator also the URL of its database, mysql://USER:PASSWORD@HOST/NAME"
    )]
    pub(crate) file: String,
    /// Whose it is, if not of `tidegate export`
    #[arg(long, value_enum)]
    pub(crate) from: Option<Foreign>,
    /// Into a database that is in use: what is there stays
    #[arg(long, conflicts_with = "from")]
    pub(crate) merge: bool,
    /// Replace what is there by what the file says of it
    #[arg(long, requires = "from")]
    pub(crate) replace: bool,
    #[arg(long, value_name = "FILE", conflicts_with = "from", help = PASSPHRASE_HELP)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Another gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Foreign {
    /// Its SQLite file
    Gophergate,
    /// Its SQLite file, or the URL of its MySQL database
    ApiKeyRotator,
    /// Its config.yaml
    Litellm,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; it must not be there
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// End all sessions and print a link where the admin chooses a new password
    Reset {
        /// Whose; made when there is no such user
        #[arg(default_value = FIRST_ADMIN)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Seal anew what older root secrets have sealed, and say what is left of them
    Rotate {
        /// Make a new secret in the data folder first; the server must be stopped
        #[arg(long)]
        new: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user and print the link where they choose their password
    Create {
        /// What people call them
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value_t = Role::Viewer)]
        role: Role,
    },
    /// List the users
    List,
    /// Let a user in no more
    Disable {
        /// Whom
        name: String,
    },
}

/// What a user may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Role {
    /// Look at everything but secrets and bodies
    Viewer,
    /// Change things
    Admin,
}

impl Role {
    /// The word of the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
        }
    }
}

const DEMO_HELP: &str =
    "Add a provider that answers by itself, and a key to try it with [env: TIDEGATE_DEMO=]";

#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "TIDEGATE_LISTEN", hide_env_values = true)]
    pub(crate) listen: Option<String>,
    // Which words of the variable mean yes is the configuration's affair.
    #[arg(long, help = DEMO_HELP)]
    pub(crate) demo: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Migrate {
    /// The database; the configured one when omitted
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a client and print its key, this once
    Create(Create),
    /// List the clients
    List,
    /// Give a client another key and print it, this once
    Rotate {
        /// The client's name, or the id that `list` shows
        client: String,
        /// How long the key before works on: 30m, 12h, 7d
        #[arg(long, value_name = "TIME", value_parser = read_time)]
        grace: Option<Duration>,
    },
    /// End a client
    Revoke {
        /// The id that `list` shows
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Prices {
    /// Say which prices are in force
    Show,
    /// Fetch newer prices now
    Refresh,
    /// Price past records again and add their hours up anew
    Recompute(Recompute),
}

#[derive(Debug, Args)]
pub(crate) struct Recompute {
    /// Not before: milliseconds since 1970, or so long ago: 12h, 30d, 8w
    #[arg(long, value_name = "TIME", value_parser = read_moment)]
    pub(crate) from: Moment,
    /// Before; now unless said
    #[arg(long, value_name = "TIME", value_parser = read_moment)]
    pub(crate) to: Option<Moment>,
    /// The prices, by the id that records carry; those in force unless said
    #[arg(long, value_name = "ID")]
    pub(crate) snapshot: Option<String>,
}

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Milliseconds since 1970.
    At(i64),
    /// Before now.
    Ago(Duration),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("form").args(["sql", "toml"])))]
pub(crate) struct Create {
    /// What people call the client
    #[arg(long)]
    pub(crate) name: String,
    /// When the key ends: 12h, 30d, 8w
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    pub(crate) expires: Option<Duration>,
    /// Refuse its requests rather than lose a field that a provider cannot be told
    #[arg(long)]
    pub(crate) strict: bool,
    /// Touch no database: print the statements for `wrangler d1 execute`
    #[arg(long)]
    sql: bool,
    /// Touch no database: print the table for the configuration file
    #[arg(long, conflicts_with = "expires")]
    toml: bool,
}

/// Where a client goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Into the store.
    Stored,
    /// Out, as SQL.
    Sql,
    /// Out, as a declaration.
    Toml,
}

impl Create {
    pub(crate) fn form(&self) -> Form {
        match (self.sql, self.toml) {
            (true, _) => Form::Sql,
            (_, true) => Form::Toml,
            (false, false) => Form::Stored,
        }
    }
}

impl Cli {
    /// What the command line says in place of a variable of the environment.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        match (name, &self.command) {
            ("TIDEGATE_DATA", _) => self.place.data.clone(),
            ("TIDEGATE_LISTEN", Command::Serve(serve)) => serve.listen.clone(),
            ("TIDEGATE_DEMO", Command::Serve(serve)) => serve.demo.then(|| "true".to_owned()),
            ("DATABASE_URL", Command::Migrate(migrate)) => migrate.url.clone(),
            _ => None,
        }
    }
}

/// Reads the command line. A mistake in it, or a question for help, ends the process.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Cli {
    Cli::parse_from(arguments)
}

fn read_moment(text: &str) -> Result<Moment, String> {
    if let Ok(at_ms) = text.parse() {
        return Ok(Moment::At(at_ms));
    }
    read_time(text).map(Moment::Ago)
}

fn read_time(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number and one of m, h, d, w, such as 30d".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    if count == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_stand_in_for_variables() {
        let cli = parse("tidegate serve --listen [::1]:1 --demo --data d").unwrap();
        assert_eq!(cli.variable("TIDEGATE_LISTEN").as_deref(), Some("[::1]:1"));
        assert_eq!(cli.variable("TIDEGATE_DEMO").as_deref(), Some("true"));
        assert_eq!(cli.variable("TIDEGATE_DATA").as_deref(), Some("d"));
        assert_eq!(cli.variable("DATABASE_URL"), None);
        let cli = parse("tidegate migrate --url file:x").unwrap();
        assert_eq!(cli.variable("DATABASE_URL").as_deref(), Some("file:x"));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(read_time("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(read_time("90m"), Ok(Duration::from_secs(5_400)));
        for wrong in ["", "d", "30", "0d", "-1d", "1.5h", "30é", "99999999999d"] {
            assert!(read_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_how_long_ago_it_was() {
        assert_eq!(read_moment("1755900000000"), Ok(Moment::At(1_755_900_000_000)));
        assert_eq!(read_moment("2d"), Ok(Moment::Ago(Duration::from_hours(48))));
        assert!(read_moment("yesterday").is_err());
        assert!(parse("tidegate prices recompute").is_err());
        assert!(parse("tidegate prices recompute --from 30d --snapshot a+b").is_ok());
    }

    #[test]
    fn a_move_is_said_whole() {
        assert!(parse("tidegate export").is_err(), "where to?");
        assert!(parse("tidegate export --out a --records --passphrase-file b").is_ok());
        assert!(parse("tidegate import a --merge").is_ok());
        assert!(parse("tidegate import a --from litellm --replace").is_ok());
        assert!(parse("tidegate import a --from litellm --merge").is_err());
        assert!(parse("tidegate import a --replace").is_err());
        assert!(parse("tidegate import a --from nobody").is_err());
    }

    #[test]
    fn a_key_takes_one_form() {
        let form = |line| match parse(line).unwrap().command {
            Command::Key(Key::Create(create)) => create.form(),
            _ => panic!("{line}"),
        };
        assert_eq!(form("tidegate key create --name a"), Form::Stored);
        assert_eq!(form("tidegate key create --name a --sql --expires 1d"), Form::Sql);
        assert_eq!(form("tidegate key create --name a --toml"), Form::Toml);
        assert!(parse("tidegate key create --name a --toml --sql").is_err());
        assert!(parse("tidegate key create --name a --toml --expires 1d").is_err());
    }
}
