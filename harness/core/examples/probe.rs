//! Temporary.
use weaknet_harness::*;
fn main() {
    let registry = registry::Registry::builtin();
    let request = plan::Request { paths: std::env::args().skip(1).collect(), folders: files::Folders::from_env(None), ..Default::default() };
    let plan = match plan::Plan::load(&request, &registry) { Ok(p) => p, Err(e) => { eprintln!("{e}"); return } };
    for case in plan.cases.iter() {
        let t = std::time::Instant::now();
        match runner::run_case(case, &registry) {
            Ok(o) => { eprintln!("{case:?} {:?} traj {}", t.elapsed(), o.result.trajectory);
               for f in o.result.flows.iter().chain(&o.result.links) { eprintln!("  {}", f.name); for (k,v) in &f.metrics { eprintln!("    {k:32} {v:.4}"); } } }
            Err(e) => eprintln!("{e}"),
        }
    }
}
