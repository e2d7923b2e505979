//! Ctrl-C and the like, as requests to the engine; Ctrl-Z leaves the terminal tidy. Sends nothing itself.

use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};

use crate::engine::drive::Control;
use crate::observe::live::Screen;

/// While it lives, interrupts reach `control`; the thread ends with it.
pub struct Watch {
    handle: Option<Handle>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Without signals a run still works; only an interrupt then ends the program at once.
    pub fn start(control: Arc<Control>, screen: Option<Screen>) -> Self {
        // Without a picture there is nothing to tidy: the program stops as any other.
        let stop = screen.is_some().then_some(SIGTSTP);
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().chain(stop)) else {
            return Watch { handle: None, thread: None };
        };
        let handle = signals.handle();
        let each = move |signal| match (signal, &screen) {
            (SIGTSTP, Some(screen)) => stop_and_come_back(screen),
            _ => control.interrupt(),
        };
        let thread = std::thread::Builder::new().spawn(move || signals.forever().for_each(each)).ok();
        Watch { handle: Some(handle), thread }
    }
}

/// The shell finds its prompt on a line of its own; stages, which have groups of their own, go on meanwhile.
fn stop_and_come_back(screen: &Screen) {
    screen.leave();
    let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
    screen.come_back();
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
