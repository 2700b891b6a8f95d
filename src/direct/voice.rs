//! The lines between a controller and this program on a host.

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, stdin, stdout},
    sync::{mpsc, oneshot},
    task::{AbortHandle, JoinHandle},
    time::{interval, timeout},
};

use super::{Order, Part, Report};
use crate::model::limits;

/// More than a line of a controller ever has.
const ORDERS: usize = 16;

/// What this program says.
pub(super) struct Voice {
    says: mpsc::UnboundedSender<Report>,
    speaking: JoinHandle<()>,
    talking: Option<AbortHandle>,
}

impl Voice {
    /// Says something. What can't be said any more is for nobody.
    pub(super) fn say(&self, report: Report) {
        let _ = self.says.send(report);
    }

    /// A mouth for somebody who says things by himself.
    pub(super) fn other(&self) -> mpsc::UnboundedSender<Report> {
        self.says.clone()
    }

    /// Says from now on that it lives, whatever else it does.
    pub(super) fn keep_talking(&mut self) {
        let says = self.says.clone();
        let talking = tokio::spawn(async move {
            let mut clock = interval(limits::BEAT.time);
            loop {
                clock.tick().await;
                if says.send(Report::Lives).is_err() {
                    return;
                }
            }
        });
        self.talking = Some(talking.abort_handle());
    }

    /// Waits until all of it is said.
    pub(super) async fn close(self) {
        if let Some(talking) = &self.talking {
            talking.abort();
        }
        drop(self.says);
        // Somebody may still have a mouth.
        let _ = timeout(limits::FAREWELL.time, self.speaking).await;
    }
}

/// What a controller says after its first line.
pub(super) struct Heard {
    /// Its lines.
    pub orders: mpsc::Receiver<Order>,
    /// Ends with standard input.
    pub over: oneshot::Receiver<()>,
}

/// The first line, a way to answer, and all further lines.
pub(super) async fn open() -> Option<(Voice, Part, Heard)> {
    let mut lines = BufReader::new(stdin()).lines();
    let part = serde_json::from_str(&lines.next_line().await.ok()??).ok()?;
    let (says, mut said) = mpsc::unbounded_channel::<Report>();
    let speaking = tokio::spawn(async move {
        let mut out = stdout();
        while let Some(report) = said.recv().await {
            let Ok(mut line) = serde_json::to_string(&report) else { return };
            line.push('\n');
            if out.write_all(line.as_bytes()).await.is_err() || out.flush().await.is_err() {
                return;
            }
        }
    });
    let (orders, taken) = mpsc::channel(ORDERS);
    let (listens, over) = oneshot::channel();
    tokio::spawn(async move {
        let _listens: oneshot::Sender<()> = listens;
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(order) = serde_json::from_str(&line) else { return };
            if orders.send(order).await.is_err() {
                return;
            }
        }
    });
    Some((Voice { says, speaking, talking: None }, part, Heard { orders: taken, over }))
}
