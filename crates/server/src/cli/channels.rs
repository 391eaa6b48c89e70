//! How documents leave a server: options for mail and for the access point of e-invoices.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use app::{AccessPoint, Channels, Mail, Post, Tokens};
use clap::Args;

use super::{Failed, FirstLine, first_line};

/// How documents leave.
#[derive(Args, Clone)]
pub(super) struct ChannelOptions {
    /// Send mail through this server: smtp://user:password@host:587 or smtps://…
    #[arg(long, env = "LEDGERBEE_SMTP_URL", value_name = "URL", hide_env_values = true)]
    smtp_url: Option<String>,
    /// Read that address, with its password, from a file
    #[arg(long, env = "LEDGERBEE_SMTP_URL_FILE", value_name = "FILE", value_parser = first_line,
          conflicts_with = "smtp_url")]
    smtp_url_file: Option<FirstLine>,
    /// How many seconds the mail server may keep us waiting each time; a whole mail, twice as long
    #[arg(long, env = "LEDGERBEE_SMTP_TIMEOUT", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..=30))]
    smtp_timeout: u16,
    /// Trust the certificate of the mail server that this file (PEM) holds, or that it vouches for
    #[arg(long, env = "LEDGERBEE_SMTP_CERTIFICATE", value_name = "FILE")]
    smtp_certificate: Option<PathBuf>,
    /// Send e-invoices through this access point: where its API begins, as https://sproom.net/api; default
    /// SPROOM_API_URL
    #[arg(long, env = "LEDGERBEE_SPROOM_API_URL", value_name = "URL")]
    sproom_api_url: Option<String>,
    /// The token for it; default SPROOM_API_TOKEN
    #[arg(long, env = "LEDGERBEE_SPROOM_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    sproom_token: Option<String>,
    /// Read tokens from a file: each line a company's id and its token, or one token for all others
    #[arg(long, env = "LEDGERBEE_SPROOM_TOKEN_FILE", value_name = "FILE", conflicts_with = "sproom_token")]
    sproom_token_file: Option<PathBuf>,
    /// How many seconds the access point may take to answer
    #[arg(long, env = "LEDGERBEE_SPROOM_TIMEOUT", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..=60))]
    sproom_timeout: u16,
    /// Without an access point over HTTP: the folder e-invoices are written to as .xml files, for another program
    #[arg(long, env = "LEDGERBEE_SPROOM_FOLDER", value_name = "DIR", conflicts_with = "sproom_api_url")]
    sproom_folder: Option<PathBuf>,
    /// Without a mail server: the folder mails are written to as .eml files; default DATA/mail
    #[arg(long, env = "LEDGERBEE_MAIL_FOLDER", value_name = "DIR")]
    mail_folder: Option<PathBuf>,
}

impl ChannelOptions {
    /// How documents leave.
    pub(super) fn open(&self, data: &Path) -> Result<Channels, Failed> {
        let mail = match self.smtp_url.as_ref().or(self.smtp_url_file.as_ref().map(|line| &line.0)) {
            Some(url) => Mail::Smtp(Post {
                url: url.clone(),
                within: Duration::from_secs(self.smtp_timeout.into()),
                certificate: self.smtp_certificate.as_ref().map(fs::read).transpose()?,
            }),
            None => Mail::Folder(self.mail_folder.clone().unwrap_or_else(|| data.join("mail"))),
        };
        Ok(Channels { mail, access_point: self.access_point()? })
    }

    fn access_point(&self) -> Result<Option<AccessPoint>, Failed> {
        if let Some(folder) = &self.sproom_folder {
            return Ok(Some(AccessPoint::Folder(folder.clone())));
        }
        let Some(url) = self.sproom_api_url.clone().or_else(|| env::var("SPROOM_API_URL").ok()) else {
            return Ok(None);
        };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(Failed(format!("{url}: the access point's address begins with https://")));
        }
        let text = match (&self.sproom_token, &self.sproom_token_file) {
            (Some(token), _) => token.clone(),
            (None, Some(file)) => {
                fs::read_to_string(file).map_err(|fault| Failed(format!("{}: {fault}", file.display())))?
            }
            (None, None) => env::var("SPROOM_API_TOKEN").map_err(|_| {
                Failed("the access point needs a token: --sproom-token or --sproom-token-file".to_owned())
            })?,
        };
        let tokens = Tokens::parse(&text).map_err(|fault| Failed(format!("the access point's tokens: {fault}")))?;
        Ok(Some(AccessPoint::Http { url, tokens, within: Duration::from_secs(self.sproom_timeout.into()) }))
    }
}
