//! How is the machine? What the system tells, asked at most once a second.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tidegate_core::ports::{Machine, Vitals};

/// Between two questions: a processor's load is told of the time between them.
const REST: Duration = Duration::from_secs(1);

/// This machine, as the system tells of it.
#[derive(Default)]
pub(crate) struct Here(Mutex<Option<Looked>>);

struct Looked {
    system: System,
    at: Instant,
    vitals: Vitals,
}

impl Machine for Here {
    fn look(&self) -> Vitals {
        // A panic elsewhere leaves what was seen last.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(looked) = &*seen
            && looked.at.elapsed() < REST
        {
            return looked.vitals;
        }
        let Some(mut system) =
            seen.take().map(|looked| looked.system).or_else(|| System::new().ok())
        else {
            return Vitals::default();
        };
        let vitals = ask(&mut system);
        *seen = Some(Looked { system, at: Instant::now(), vitals });
        vitals
    }
}

fn ask(system: &mut System) -> Vitals {
    system.refresh_cpu_usage();
    system.refresh_memory();
    let own = Pid::from_u32(std::process::id());
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, memory);
    let bounded = system.cgroup_limits();
    let used = bounded.as_ref().map_or_else(
        || system.used_memory(),
        |limits| limits.total_memory.saturating_sub(limits.free_memory),
    );
    Vitals {
        cpu_percent: Some(system.global_cpu_usage()),
        cpus: Some(system.cpus().len()),
        load_one: System::load_average().ok().map(|load| load.one),
        memory_used_bytes: Some(used),
        memory_total_bytes: Some(
            bounded.map_or_else(|| system.total_memory(), |limits| limits.total_memory),
        ),
        process_memory_bytes: system.process(own).map(sysinfo::Process::memory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_and_a_processor() {
        let vitals = Here::default().look();
        assert!(vitals.cpus.is_some_and(|cpus| cpus > 0));
        let (used, total) = (vitals.memory_used_bytes, vitals.memory_total_bytes);
        assert!(used.is_some_and(|used| used > 0) && used <= total);
        assert!(vitals.process_memory_bytes.is_some_and(|bytes| bytes > 0));
    }
}
