//! Ctrl-C and the like, as requests to the engine. Sends nothing itself.

use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::engine::drive::Control;

/// While it lives, interrupts reach `control`; the thread ends with it.
pub struct Watch {
    handle: Option<Handle>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Without signals a run still works; only an interrupt then ends the program at once.
    pub fn start(control: Arc<Control>) -> Self {
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
            return Watch { handle: None, thread: None };
        };
        let handle = signals.handle();
        let listen = move || signals.forever().for_each(|_| control.interrupt());
        let thread = std::thread::Builder::new().spawn(listen).ok();
        Watch { handle: Some(handle), thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.close();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
