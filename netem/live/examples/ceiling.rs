//! What the live half reaches on this machine: TCP through a link of 1 ms without a
//! limit, and the error of round trips over 2 x 20 ms. Takes root.
//!
//! `cargo run --release -p weaknet-live --example ceiling`
#![allow(clippy::print_stdout, reason = "figures are what it is for")]

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::thread;
    use std::time::{Duration, Instant};

    use weaknet_core::packet::LinkId;
    use weaknet_core::plugin::Assets;
    use weaknet_core::{BuildContext, BuildError, Plugin as _, Span, Streams};
    use weaknet_live::{Clock, Emulator, Ends, LEFT, Namespaces, Options, RIGHT};
    use weaknet_netem::{Link, Parts, delay, queue, rate};

    type Failed = Box<dyn Error>;

    pub(super) fn run() -> Result<(), Failed> {
        let load = std::fs::read_to_string("/proc/loadavg")?;
        println!("load {load}");
        for super_frames in [false, true] {
            let name = if super_frames {
                "super-frames"
            } else {
                "packets"
            };
            let ends = Ends { super_frames };
            let gigabits = over(ends, Span::from_millis(1), tcp)?;
            println!("TCP over 1 ms, {name}: {gigabits:.2} Gbit/s");
        }
        let errors = over(Ends::default(), Span::from_millis(20), round_trips)?;
        let at = |share: f64| errors[(errors.len() as f64 * share) as usize];
        println!(
            "round trip over 2 x 20 ms, error in us: p50 {:.0}, p99 {:.0}, max {:.0}",
            at(0.5),
            at(0.99),
            at(0.999)
        );
        Ok(())
    }

    fn link(number: u16, delay: Span) -> Result<Link, BuildError> {
        let (streams, assets) = (Streams::new(7), Assets::default());
        let cx = BuildContext {
            path: "link",
            streams: &streams,
            assets: &assets,
        };
        let limit = queue::DropTail {
            limit: "64MB".parse().map_err(|_| BuildError::new("a size"))?,
            ..queue::DropTail::default()
        };
        Ok(Link::changeable(
            LinkId(number),
            Parts::new(
                rate::UnlimitedRate::default().build(&cx)?,
                limit.build(&cx)?,
                delay::ConstantDelay(delay).build(&cx)?,
            ),
        ))
    }

    fn over<T>(
        ends: Ends,
        delay: Span,
        what: fn(&Namespaces) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let namespaces = Namespaces::create(ends)?;
        let links = [link(0, delay)?, link(1, delay)?].map(|link| (link, Box::new(()) as _));
        let emulator = Emulator::start(
            namespaces.devices(),
            links,
            Clock::start(),
            Options::default(),
        )?;
        let result = what(&namespaces);
        let report = emulator.stop()?;
        namespaces.finish();
        println!("  {:?}", report.lateness);
        for direction in &report.directions {
            println!("  {:?} refused {}", direction.delivered, direction.refused);
        }
        result
    }

    fn tcp(namespaces: &Namespaces) -> Result<f64, Failed> {
        let listener = namespaces.within(1, || TcpListener::bind((RIGHT.v4, 9_001)))??;
        let reader = thread::spawn(move || -> std::io::Result<f64> {
            let (mut stream, _) = listener.accept()?;
            let mut buffer = vec![0; 1 << 20];
            let (start, mut total) = (Instant::now(), 0);
            loop {
                match stream.read(&mut buffer)? {
                    0 => return Ok(total as f64 * 8e-9 / start.elapsed().as_secs_f64()),
                    length => total += length,
                }
            }
        });
        let mut stream = namespaces.within(0, || TcpStream::connect((RIGHT.v4, 9_001)))??;
        let (start, block) = (Instant::now(), vec![7; 1 << 18]);
        while start.elapsed() < Duration::from_secs(4) {
            stream.write_all(&block)?;
        }
        drop(stream);
        reader
            .join()
            .map_err(|_| "the reader is gone")?
            .map_err(Into::into)
    }

    fn round_trips(namespaces: &Namespaces) -> Result<Vec<f64>, Failed> {
        let bind = |end: usize, at| namespaces.within(end, move || UdpSocket::bind((at, 9_000)));
        let (left, right) = (bind(0, LEFT.v4)??, bind(1, RIGHT.v4)??);
        let second = Some(Duration::from_secs(1));
        left.set_read_timeout(second)?;
        right.set_read_timeout(second)?;
        let echo = thread::spawn(move || {
            let mut buffer = [0; 2_000];
            while let Ok((length, from)) = right.recv_from(&mut buffer) {
                let _ = right.send_to(&buffer[..length], from);
            }
        });
        let mut errors = Vec::new();
        let mut buffer = [0; 2_000];
        for _ in 0..500 {
            let sent = Instant::now();
            left.send_to(&[7; 100], (RIGHT.v4, 9_000))?;
            left.recv_from(&mut buffer)?;
            errors.push(sent.elapsed().as_secs_f64() * 1e6 - 40_000.0);
            thread::sleep(Duration::from_millis(3));
        }
        echo.join().map_err(|_| "the echo is gone")?;
        errors.sort_by(f64::total_cmp);
        Ok(errors)
    }
}
