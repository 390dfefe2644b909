//! A few threads that prepare texts. Ours and of a fixed number, so that they do not compete with libtorch's as the wide
//! pool of the tokenizers crate would.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs in the order they come. Dropped, it lets its threads finish what is in the queue and end.
pub(crate) struct Pool {
    jobs: mpsc::Sender<Job>,
    threads: usize,
}

impl Pool {
    /// Starts `threads` threads, at least one.
    pub fn start(threads: usize) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            let body = move || {
                loop {
                    // Held while waiting: the others wait for the lock instead of for a job, which comes to the same.
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    // Unwind safety: a job owns what it works on. Who waits for it hears nothing and must handle that.
                    if catch_unwind(AssertUnwindSafe(job)).is_err() {
                        tracing::error!("a thread that prepares texts panicked and goes on");
                    }
                }
            };
            thread::Builder::new()
                .name("prepare-texts".to_owned())
                .spawn(body)?;
        }
        Ok(Self { jobs, threads })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Puts a job into the queue. Who calls bounds how many there are.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The threads outlive the queue's sender, which is here.
        let _ = self.jobs.send(Box::new(job));
    }
}
