//! The dashboard of a running link, and its plain lines where there is no terminal.
//!
//! It runs beside the link and talks to its control socket, so that a shell behind the
//! link keeps its terminal.

mod board;
mod keys;
mod lines;
mod panel;
mod text;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use self::board::{Board, Said};
use self::keys::Action;
use super::client::Client;
use super::snapshot::{Command, Snapshot};
use crate::exit::{Exit, Failure};
use crate::screen;

/// How often what has come is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Watches a link until it ends or somebody quits.
///
/// # Errors
/// When it cannot be connected to, or there is no terminal after all.
pub(super) fn watch(client: &Client<'_>) -> Result<(), Failure> {
    let snapshots = client.watch()?;
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        for snapshot in snapshots {
            screen::print(&lines::line(&snapshot?));
        }
        return Ok(());
    }
    let (sender, coming) = mpsc::channel();
    thread::spawn(move || {
        for snapshot in snapshots {
            if sender.send(snapshot).is_err() {
                return;
            }
        }
    });
    let mut terminal = ratatui::try_init().map_err(no_terminal)?;
    let end = show(&mut terminal, client, &coming);
    ratatui::try_restore().map_err(no_terminal)?;
    end
}

fn show(
    terminal: &mut DefaultTerminal,
    client: &Client<'_>,
    coming: &Receiver<Result<Snapshot, Failure>>,
) -> Result<(), Failure> {
    let mut board = Board::default();
    let mut is_new = true;
    loop {
        if is_new {
            let drawn = terminal.draw(|frame| frame.render_widget(&board, frame.area()));
            drawn.map_err(no_terminal)?;
        }
        is_new = event::poll(TICK).map_err(no_terminal)?;
        if is_new {
            let event = event::read().map_err(no_terminal)?;
            if press(&event, &mut board, client) {
                return Ok(());
            }
        }
        loop {
            match coming.try_recv() {
                Ok(snapshot) => board.push(snapshot?),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            is_new = true;
        }
    }
}

fn no_terminal(error: io::Error) -> Failure {
    Failure::new(
        Exit::Internal,
        format!("failed to use the terminal: {error}"),
    )
}

/// Does what an event asks for; whether that is to quit.
fn press(event: &Event, board: &mut Board, client: &Client<'_>) -> bool {
    let Event::Key(key) = event else {
        // A new size is drawn.
        return false;
    };
    if key.kind == KeyEventKind::Release {
        return false;
    }
    let key = match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => 'q',
        KeyCode::Char(key) => key,
        KeyCode::Tab => '\t',
        KeyCode::Esc => 'q',
        _ => return false,
    };
    let now = board.latest.clone().unwrap_or_default();
    match keys::action(key, board.chosen, &now) {
        None => {}
        Some(Action::Quit) => return true,
        Some(Action::Choose) => board.chosen = board.chosen.next(),
        Some(Action::Refuse(why)) => board.said = Some(Said::Failed(why.to_owned())),
        Some(Action::Tell(command)) => {
            board.said = Some(match client.tell(&command) {
                Ok(()) => Said::Done(name(&command)),
                Err(failure) => Said::Failed(failure.messages.join("; ")),
            });
        }
    }
    false
}

/// A command for people.
fn name(command: &Command) -> String {
    match command {
        Command::Watch {} => "watch".to_owned(),
        Command::Set(sets) => sets.join(", "),
        Command::Outage { seconds } => format!("outage of {seconds} s"),
        Command::Handover { seconds } => format!("handover, {seconds} s"),
    }
}

#[cfg(test)]
mod tests;
