//! Reads pcapng by the draft's words alone, and insists on what it says.

/// A file's content.
pub(crate) struct Capture {
    pub(crate) application: String,
    pub(crate) interfaces: Vec<String>,
    /// Of all interfaces.
    pub(crate) snaplen: u32,
    pub(crate) packets: Vec<Seen>,
}

/// A packet of it.
pub(crate) struct Seen {
    pub(crate) interface: u32,
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) original: u32,
    pub(crate) direction: u32,
    pub(crate) comment: String,
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        head
    }
    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take(2).try_into().unwrap())
    }
    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }
    /// Bytes and the zeros behind them up to a multiple of four.
    fn padded(&mut self, n: usize) -> &'a [u8] {
        let (value, zeros) = self.take(n.next_multiple_of(4)).split_at(n);
        assert!(zeros.iter().all(|&byte| byte == 0), "padding");
        value
    }
    /// All options up to their end, which is the block's.
    fn options(&mut self) -> Vec<(u16, &'a [u8])> {
        let mut options = Vec::new();
        loop {
            let (code, length) = (self.u16(), self.u16());
            if code == 0 {
                assert_eq!((length, self.0.len()), (0, 0), "end of options");
                return options;
            }
            options.push((code, self.padded(usize::from(length))));
        }
    }
}

fn text(options: &[(u16, &[u8])], code: u16) -> String {
    let mut found = options.iter().filter(|(c, _)| *c == code);
    let value = found.next().map_or(&b""[..], |(_, value)| value);
    assert!(found.next().is_none(), "option {code} twice");
    String::from_utf8(value.to_vec()).unwrap()
}

pub(crate) fn read(file: &[u8]) -> Capture {
    let mut capture = Capture {
        application: String::new(),
        interfaces: Vec::new(),
        snaplen: u32::MAX,
        packets: Vec::new(),
    };
    let mut file = Cursor(file);
    let mut first = true;
    while !file.0.is_empty() {
        let (kind, length) = (file.u32(), file.u32());
        assert_eq!(length % 4, 0);
        let mut block = Cursor(file.take(length as usize - 12));
        assert_eq!(file.u32(), length, "both lengths");
        assert_eq!(kind == 0x0a0d_0d0a, std::mem::take(&mut first));
        match kind {
            0x0a0d_0d0a => {
                assert_eq!(block.u32(), 0x1a2b_3c4d);
                assert_eq!((block.u16(), block.u16()), (1, 0));
                assert_eq!(block.take(8), [0xff; 8]);
                capture.application = text(&block.options(), 4);
            }
            1 => {
                assert_eq!((block.u16(), block.u16()), (101, 0));
                let snaplen = block.u32();
                assert!([u32::MAX, snaplen].contains(&capture.snaplen));
                capture.snaplen = snaplen;
                let options = block.options();
                assert_eq!(text(&options, 9), "\x09", "nanoseconds");
                capture.interfaces.push(text(&options, 2));
            }
            6 => {
                let interface = block.u32();
                assert!((interface as usize) < capture.interfaces.len());
                let at = u64::from(block.u32()) << 32 | u64::from(block.u32());
                let (kept, original) = (block.u32(), block.u32());
                let bytes = block.padded(kept as usize).to_vec();
                // Without options the block may end here.
                let options = block.options();
                let flags = options.iter().find(|(code, _)| *code == 2);
                capture.packets.push(Seen {
                    interface,
                    at,
                    bytes,
                    original,
                    direction: flags.map_or(0, |(_, flags)| {
                        u32::from_le_bytes((*flags).try_into().unwrap())
                    }),
                    comment: text(&options, 1),
                });
            }
            other => panic!("block of type {other}"),
        }
    }
    capture
}
